import type { ComponentConfig, Config, PipelineConfig } from '../config/config.ts'
import { ConfigError, type ConfigProblem } from '../config/config.ts'
import type { Signal } from '../data/telemetry.ts'
import { findCycle } from './cycle.ts'

/** One component instance to be: what it is, and what arrives at it and leaves it. */
export interface PlannedNode {
  /** `kind:id`, for a processor `processor:pipeline:id`. The same key over a reload is the same node. */
  readonly key: string
  readonly component: ComponentConfig
  /** Of a processor. */
  readonly pipeline: string | undefined
  readonly signals: ReadonlySet<Signal>
  readonly outputs: ReadonlySet<Signal>
  /** Of a receiver or connector: the pipelines it feeds, by id. */
  readonly feeds: readonly PlannedPipeline[]
}

export interface PlannedPipeline {
  readonly id: string
  readonly signal: Signal
  /** Node keys, in the order of the YAML. */
  readonly receivers: readonly string[]
  readonly processors: readonly string[]
  readonly exporters: readonly string[]
}

export interface Plan {
  /** Extensions in start order, then the rest from the receivers to the exporters: the order in which they are shut down. */
  readonly extensions: readonly PlannedNode[]
  readonly nodes: readonly PlannedNode[]
  readonly pipelines: readonly PlannedPipeline[]
}

/** Turns the configuration into nodes and edges. Throws `ConfigError` with everything that cannot be connected. */
export function planGraph(config: Config): Plan {
  const problems: ConfigProblem[] = []
  const pipelines = [...config.service.pipelines.values()].map((pipeline) => planPipeline(config, pipeline))
  checkSignals(config, problems)
  checkConnectors(config, pipelines, problems)
  if (problems.length > 0) throw new ConfigError(problems)

  const nodes = new Map<string, PlannedNode>()
  for (const pipeline of pipelines) {
    for (const key of [...pipeline.receivers, ...pipeline.processors, ...pipeline.exporters]) {
      if (!nodes.has(key)) nodes.set(key, planNode(config, key, pipelines))
    }
  }
  const cycle = findCycle(nodes, pipelines)
  if (cycle !== undefined) throw new ConfigError([failedToBuild(`cycle detected: ${cycle}`, config, undefined)])

  return {
    extensions: config.service.extensions.map((id) => {
      const component = known(config.extensions.get(id.text), id.text)
      const none = new Set<Signal>()
      return { key: `extension:${id.text}`, component, pipeline: undefined, signals: none, outputs: none, feeds: [] }
    }),
    nodes: inFlowOrder(nodes, pipelines),
    pipelines,
  }
}

function planPipeline(config: Config, pipeline: PipelineConfig): PlannedPipeline {
  const keyOf = (kind: 'receiver' | 'exporter', id: string) =>
    config.connectors.has(id) ? `connector:${id}` : `${kind}:${id}`
  return {
    id: pipeline.id.text,
    signal: pipeline.id.signal,
    receivers: pipeline.receivers.map((id) => keyOf('receiver', id.text)),
    processors: pipeline.processors.map((id) => `processor:${pipeline.id.text}:${id.text}`),
    exporters: pipeline.exporters.map((id) => keyOf('exporter', id.text)),
  }
}

function planNode(config: Config, key: string, pipelines: readonly PlannedPipeline[]): PlannedNode {
  const feeds = pipelines.filter((pipeline) => pipeline.receivers.includes(key))
  const sinksOf = pipelines.filter((pipeline) => pipeline.exporters.includes(key))
  const own = pipelines.find((pipeline) => pipeline.processors.includes(key))
  const signals = (list: readonly PlannedPipeline[]) => new Set(list.map((pipeline) => pipeline.signal))
  const common = { key, pipeline: own?.id, component: componentOf(config, key, own?.id), feeds }
  if (own !== undefined) return { ...common, signals: signals([own]), outputs: signals([own]) }
  if (key.startsWith('receiver:')) return { ...common, signals: signals(feeds), outputs: signals(feeds) }
  return { ...common, signals: signals(sinksOf), outputs: signals(feeds) }
}

function componentOf(config: Config, key: string, pipeline: string | undefined): ComponentConfig {
  const kind = key.slice(0, key.indexOf(':'))
  const id = key.slice(kind.length + 1 + (pipeline === undefined ? 0 : pipeline.length + 1))
  if (kind === 'receiver') return known(config.receivers.get(id), id)
  if (kind === 'processor') return known(config.processors.get(id), id)
  if (kind === 'exporter') return known(config.exporters.get(id), id)
  return known(config.connectors.get(id), id)
}

function known(component: ComponentConfig | undefined, id: string): ComponentConfig {
  // `decodeConfig` has refused dangling references before.
  if (component === undefined) throw new Error(`component "${id}" is referenced but not configured`)
  return component
}

/** Every component supports the signal of each pipeline it stands in. */
function checkSignals(config: Config, problems: ConfigProblem[]): void {
  for (const pipeline of config.service.pipelines.values()) {
    const { signal, text } = pipeline.id
    const check = (kind: 'receiver' | 'processor' | 'exporter', ids: readonly { text: string }[]) => {
      const components = config[`${kind}s`]
      for (const [index, id] of ids.entries()) {
        if (kind !== 'processor' && config.connectors.has(id.text)) continue
        const component = components.get(id.text)
        if (component === undefined || component.factory.stability[signal] !== undefined) continue
        const where = kind === 'processor' ? `in pipeline "${text}"` : `for data type "${signal}"`
        const failed = kind === 'processor' ? `"${id.text}" processor, ${where}` : `"${id.text}" ${kind} ${where}`
        const supported = Object.keys(component.factory.stability).join(', ')
        problems.push({
          path: '',
          message: `failed to build pipelines: failed to create ${failed}: telemetry type is not supported (it supports: ${supported})`,
          position: pipeline.positions.get(`${kind}s::${index}`),
        })
      }
    }
    check('receiver', pipeline.receivers)
    check('processor', pipeline.processors)
    check('exporter', pipeline.exporters)
  }
}

/** A connector in use stands on both sides, in pipelines whose signals it can connect. */
function checkConnectors(config: Config, pipelines: readonly PlannedPipeline[], problems: ConfigProblem[]): void {
  for (const [id, { factory }] of config.connectors) {
    const key = `connector:${id}`
    const into = pipelines.filter((pipeline) => pipeline.exporters.includes(key))
    const outOf = pipelines.filter((pipeline) => pipeline.receivers.includes(key))
    const connects = (from: PlannedPipeline, to: PlannedPipeline) =>
      factory.stability[`${from.signal} to ${to.signal}`] !== undefined
    const lonely = (side: readonly PlannedPipeline[], isMatched: (pipeline: PlannedPipeline) => boolean) =>
      side.filter((pipeline) => !side.some((same) => same.signal === pipeline.signal && isMatched(same)))
    const report = (list: readonly PlannedPipeline[], role: 'exporter' | 'receiver') => {
      if (list.length === 0) return
      const other = role === 'exporter' ? 'receiver' : 'exporter'
      const names = list.map((pipeline) => pipeline.id).join(' ')
      problems.push(
        failedToBuild(
          `connector "${id}" used as ${role} in [${names}] pipeline but not used in any supported ${other} pipeline`,
          config,
          { pipeline: list[0]?.id, role, id },
        ),
      )
    }
    report(
      lonely(into, (from) => outOf.some((to) => connects(from, to))),
      'exporter',
    )
    report(
      lonely(outOf, (to) => into.some((from) => connects(from, to))),
      'receiver',
    )
  }
}

function failedToBuild(
  message: string,
  config: Config,
  at: { pipeline: string | undefined; role: 'exporter' | 'receiver'; id: string } | undefined,
): ConfigProblem {
  const pipeline = config.service.pipelines.get(at?.pipeline ?? '')
  const index = at === undefined ? -1 : (pipeline?.[`${at.role}s`].findIndex((id) => id.text === at.id) ?? -1)
  const position = pipeline?.positions.get(`${at?.role}s::${index}`)
  return { path: '', message: `failed to build pipelines: ${message}`, position }
}

/** From the receivers to the exporters, each node after all that send to it. */
function inFlowOrder(
  nodes: ReadonlyMap<string, PlannedNode>,
  pipelines: readonly PlannedPipeline[],
): readonly PlannedNode[] {
  const ordered: PlannedNode[] = []
  const seen = new Set<string>()
  const visit = (key: string): void => {
    if (seen.has(key)) return
    seen.add(key)
    for (const next of followers(key, pipelines)) visit(next)
    const node = nodes.get(key)
    if (node !== undefined) ordered.push(node)
  }
  for (const key of nodes.keys()) visit(key)
  return ordered.reverse()
}

/** The nodes that take what this one sends. */
export function followers(key: string, pipelines: readonly PlannedPipeline[]): readonly string[] {
  const next: string[] = []
  for (const pipeline of pipelines) {
    const chain = pipeline.processors
    const at = chain.indexOf(key)
    const feedsFirst = pipeline.receivers.includes(key)
    if (at < 0 && !feedsFirst) continue
    const follower = chain[at + 1]
    if (follower === undefined) next.push(...pipeline.exporters)
    else next.push(follower)
  }
  return next
}
