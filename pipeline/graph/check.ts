import type { Config } from '../config/config.ts'
import type { BuildInfo, EngineView } from '../telemetry/engine-view.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Meter } from '../telemetry/meter.ts'
import { Tracer } from '../telemetry/tracer.ts'
import { WallClock } from './clock.ts'
import { Graph } from './graph.ts'
import { planGraph } from './plan.ts'

/** Everything a start would do short of opening anything: edges, cycles, and each component's `create`. Throws `ConfigError`. */
export function checkGraph(config: Config, build: BuildInfo): void {
  const nothing = { add: () => {}, record: () => {} }
  const meter: Meter & { close(): void } = {
    counter: () => nothing,
    upDownCounter: () => nothing,
    histogram: () => nothing,
    gauge: () => {},
    observedCounter: () => {},
    close: () => {},
  }
  const tracer = new Tracer()
  const view: EngineView = {
    build,
    instanceId: '',
    phase: 'starting',
    onPhase: () => () => {},
    readySinceUnixNano: 0n,
    startedUnixNano: 0n,
    components: [],
    pipelines: [],
    spans: tracer,
    featureGates: config.featureGates,
  }
  const graph = new Graph(planGraph(config), {
    logger: silent,
    view,
    tracer,
    random: Math.random,
    clock: (onFailure) => new WallClock(onFailure),
    handlerTimeoutMs: 0,
    swapTimeoutMs: 0,
    meter: () => meter,
    fatal: () => {},
  })
  for (const node of graph.nodes.values()) node.discard()
}

const silent: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  isEnabled: () => false,
  with: () => silent,
}
