import type { Capability } from '../capability/capability.ts'
import type { Context, Emit, Kind } from '../component.ts'
import type { Batch, Origin, Signal } from '../data/telemetry.ts'
import type { Effects } from '../net/effects.ts'
import type { EngineView } from '../telemetry/engine-view.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Labels, Meter } from '../telemetry/meter.ts'
import { Tracer } from '../telemetry/tracer.ts'
import { FakeClock } from './fake-clock.ts'

interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Record<string, unknown>
}

/** What a component under test did to the world. */
interface Recorded {
  readonly emitted: { readonly signal: Signal; readonly batch: Batch; readonly route?: string }[]
  readonly drops: { readonly items: number; readonly reason: string; readonly intent: 'intended' | 'lost' }[]
  readonly states: { readonly state: string; readonly message: string | undefined }[]
  readonly lines: LogLine[]
  /** The sum of what was added, by metric name and labels: `name{a="b"}`. Histograms count their records. */
  readonly sums: Map<string, number>
  /** What a gauge or an observed counter reads now, by name and labels. */
  readonly gauges: Map<string, () => number>
}

export interface TestContext extends Context {
  readonly clock: FakeClock
  readonly recorded: Recorded
  /** Aborts `signal`. */
  abort(): void
}

export interface TestContextOptions {
  id?: string
  kind?: Kind
  pipeline?: string
  signals?: readonly Signal[]
  outputs?: readonly Signal[]
  routes?: readonly string[]
  /** What follows the component: throw `Rejected` to refuse. Default: accepts. */
  accept?: (batch: Batch, signal: Signal, route: string | undefined) => void | Promise<void>
  capabilities?: ReadonlyMap<Capability<unknown>, unknown>
  engine?: Partial<EngineView>
  /** Default: nothing of the origin is read further on. */
  originKey?: (origin: Origin) => string
  random?: () => number
  effects?: Effects
}

const everySignal: readonly Signal[] = ['traces', 'metrics', 'logs', 'profiles']

/** A Context over memory: fake clock, recorded emits, drops, states, log lines and metrics. */
export function testContext(options: TestContextOptions = {}): TestContext {
  const abort = new AbortController()
  const recorded: Recorded = { emitted: [], drops: [], states: [], lines: [], sums: new Map(), gauges: new Map() }
  const emitOf = (route?: string): Emit => {
    const one = (signal: Signal) => async (batch: Batch) => {
      await options.accept?.(batch, signal, route)
      recorded.emitted.push(route === undefined ? { signal, batch } : { signal, batch, route })
    }
    return { traces: one('traces'), metrics: one('metrics'), logs: one('logs'), profiles: one('profiles') }
  }
  return {
    id: options.id ?? 'test',
    kind: options.kind ?? 'processor',
    ...(options.pipeline === undefined ? {} : { pipeline: options.pipeline }),
    signals: new Set(options.signals ?? everySignal),
    outputs: new Set(options.outputs ?? everySignal),
    emit: emitOf(),
    routes: new Map((options.routes ?? []).map((route) => [route, emitOf(route)])),
    logger: recordingLogger(recorded.lines, {}),
    meter: recordingMeter(recorded),
    clock: new FakeClock(),
    random: options.random ?? (() => 0.5),
    signal: abort.signal,
    engine: { ...restingEngine, ...options.engine },
    sharesPorts: false,
    effects: options.effects,
    dropped: (items, reason, intent) => void recorded.drops.push({ items, reason, intent }),
    status: (state, message) => void recorded.states.push({ state, message }),
    originKey: options.originKey ?? (() => ''),
    extension<T>(capability: Capability<T>, id?: string): T {
      const found = options.capabilities?.get(capability)
      if (found === undefined) throw new Error(`no extension ${id ?? ''} provides ${capability.name}`)
      return found as T
    },
    recorded,
    abort: () => abort.abort(),
  }
}

const restingEngine: EngineView = {
  build: { command: 'vigil', description: 'Vigil under test', version: '0.0.0' },
  instanceId: 'instance-under-test',
  phase: 'ready',
  onPhase: () => () => {},
  readySinceUnixNano: 1_700_000_000_000_000_000n,
  startedUnixNano: 1_700_000_000_000_000_000n,
  components: [],
  pipelines: [],
  spans: new Tracer(),
  featureGates: [],
}

function recordingLogger(lines: LogLine[], bound: object): Logger {
  const at = (level: LogLine['level']) => (message: string, fields?: object) =>
    void lines.push({ level, message, fields: { ...bound, ...fields } })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    isEnabled: () => true,
    with: (fields) => recordingLogger(lines, { ...bound, ...fields }),
  }
}

function recordingMeter({ sums, gauges }: Recorded): Meter {
  const adder = (name: string) => ({
    add: (n: number, labels?: Labels) => {
      const series = seriesName(name, labels)
      sums.set(series, (sums.get(series) ?? 0) + n)
    },
  })
  const observe = (name: string, read: () => number, labels?: Labels) => void gauges.set(seriesName(name, labels), read)
  return {
    counter: adder,
    upDownCounter: adder,
    gauge: observe,
    observedCounter: observe,
    histogram: (name) => ({ record: (_value, labels) => adder(name).add(1, labels) }),
  }
}

function seriesName(name: string, labels: Labels | undefined): string {
  const pairs = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return pairs.length === 0 ? name : `${name}{${pairs.map(([k, v]) => `${k}="${v}"`).join(',')}}`
}
