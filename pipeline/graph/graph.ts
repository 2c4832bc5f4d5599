import type { Capability } from '../capability/capability.ts'
import { ConfigError } from '../config/config.ts'
import { type AllReads, joinReads } from '../data/origin.ts'
import type { Signal } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import type { ComponentView, PipelineView } from '../telemetry/engine-view.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ConnectorNode } from './connector-node.ts'
import { ExporterNode } from './exporter-node.ts'
import { fanOut } from './fanout.ts'
import type { Inlet } from './inlet.ts'
import type { Node } from './node.ts'
import type { Plan, PlannedNode, PlannedPipeline } from './plan.ts'
import { ProcessorNode } from './processor-node.ts'
import { namedIn, readsOf, type Users } from './reads.ts'
import { SourceNode } from './source-node.ts'
import type { Surroundings } from './surroundings.ts'

/** What the graph needs of the engine; the rest of `Surroundings` is the graph's own to give. */
export type GraphOptions = Omit<Surroundings, 'extension' | 'reads'>

/** The running components and the edges between them. */
export class Graph {
  plan: Plan
  /** By key; extensions first, then in flow order. */
  nodes: ReadonlyMap<string, Node>
  readonly surroundings: Surroundings
  /** Which nodes asked for something of which extension: they restart with it. */
  readonly users = new Map<string, Set<string>>()
  readonly logger: Logger
  /** While a reload is in progress: the plans that it leads from and to. */
  #between: { readonly from: Plan; readonly to: Plan; readonly named: Users } | undefined
  /** By node, made when first asked; forgotten when a component begins to use an extension, and by a reload. */
  #reads = new Map<string, AllReads>()
  /** The extensions whose offers components can use now. */
  offers: readonly Node[]

  /** Creates every component of the plan; opens nothing. Throws `ConfigError` with all that cannot be created. */
  constructor(plan: Plan, options: GraphOptions) {
    this.plan = plan
    this.logger = options.logger
    this.surroundings = {
      ...options,
      extension: (capability, id, user) => this.#extension(capability, id, user),
      reads: (key) => this.#readsOf(key),
    }
    const created = createNodes([...plan.extensions, ...plan.nodes], this.surroundings)
    this.nodes = new Map(created.map((node) => [node.key, node]))
    this.offers = created.slice(0, plan.extensions.length)
    connect(plan, this.nodes)
  }

  /** Extensions in order, then from the exporters to the receivers, so that whoever sends finds somebody who takes. */
  async start(): Promise<void> {
    if (this.plan.extensions.length > 0) this.logger.info('Starting extensions...')
    for (const planned of [...this.plan.extensions, ...this.plan.nodes.toReversed()]) {
      await startNode(this.node(planned.key), this.logger)
    }
  }

  /** From the receivers to the exporters, each emptied into what is still open after it; extensions last. Errors are collected. */
  async shutdown(deadline: AbortSignal): Promise<readonly Error[]> {
    const errors: Error[] = []
    for (const planned of [...this.plan.nodes, ...this.plan.extensions.toReversed()]) {
      const node = this.node(planned.key)
      if (node.state === 'stopped') continue
      try {
        await node.shutdown(deadline)
      } catch (cause) {
        errors.push(new Error(`failed to shut down ${node.name}: ${errorMessage(cause)}`, { cause }))
      }
    }
    return errors
  }

  node(key: string): Node {
    const node = this.nodes.get(key)
    if (node === undefined) throw new Error(`there is no node ${key}`)
    return node
  }

  /** Where data enters a pipeline in its middle: at the processor `next`, or at its exporters. Undefined = there is no such place. */
  inletAt(pipelineId: string, next: string | undefined, signal: Signal): Inlet | undefined {
    const pipeline = this.plan.pipelines.find(({ id }) => id === pipelineId)
    if (pipeline === undefined || pipeline.signal !== signal) return undefined
    if (next === undefined) return fanOut(pipeline.exporters.map((key) => this.node(key).inlet(signal)))
    return pipeline.processors.includes(next) ? this.node(next).inlet(signal) : undefined
  }

  views(): readonly ComponentView[] {
    return [...this.nodes.values()].map((node) => node.view())
  }

  pipelineViews(): readonly PipelineView[] {
    // A receiver that runs in the workers has no node here.
    const ids = (keys: readonly string[]) =>
      keys.map((key) => this.nodes.get(key)?.planned.component.id.text ?? key.slice(key.indexOf(':') + 1))
    return this.plan.pipelines.map((pipeline) => ({
      id: pipeline.id,
      signal: pipeline.signal,
      receivers: ids(pipeline.receivers),
      processors: ids(pipeline.processors),
      exporters: ids(pipeline.exporters),
    }))
  }

  /**
   * From here until `settled`, batches are told apart by what is read under the plan that runs and under the one that comes, and by nothing more: where a
   * reload does not change who reads what, components that keep something by sender go on with it.
   */
  changeTo(plan: Plan): void {
    // What has not started yet has not said which extensions it uses; its settings do.
    this.#between = { from: this.plan, to: plan, named: namedIn(plan) }
    this.#forgetReads()
  }

  /** The reload is over, whichever plan runs now. */
  settled(): void {
    this.#between = undefined
    this.#forgetReads()
  }

  /** The plan has changed, or who uses which extension. */
  #forgetReads(): void {
    this.#reads = new Map()
  }

  #readsOf(key: string): AllReads {
    let reads = this.#reads.get(key)
    if (reads === undefined) {
      const { plan, users } = this
      const { from, to, named } = this.#between ?? { from: plan, to: plan, named: users }
      reads = joinReads([readsOf(key, from, users), readsOf(key, to, users), readsOf(key, to, named)])
      this.#reads.set(key, reads)
    }
    return reads
  }

  #extension<T>(capability: Capability<T>, id: string | undefined, user: string): T {
    for (const { key, planned, instance } of this.offers) {
      if (id !== undefined && planned.component.id.text !== id) continue
      const offer = instance.provides?.get(capability as Capability<unknown>)
      if (offer === undefined) continue
      const users = this.users.get(key) ?? new Set()
      this.users.set(key, users.add(user))
      this.#forgetReads()
      return offer as T
    }
    const configured = this.offers.map(({ planned }) => planned.component.id.text).join(', ')
    const wanted =
      id === undefined
        ? `no extension that offers ${capability.name}`
        : `no extension "${id}" that offers ${capability.name}`
    throw new Error(`there is ${wanted}: add one to service::extensions (it has: [${configured}])`)
  }
}

export function createNodes(planned: readonly PlannedNode[], surroundings: Surroundings): readonly Node[] {
  const nodes: Node[] = []
  const errors: ConfigError[] = []
  for (const one of planned) {
    try {
      nodes.push(createNode(one, surroundings))
    } catch (error) {
      errors.push(cannotCreate(one, error))
    }
  }
  if (errors.length > 0) {
    for (const node of nodes) node.discard()
    throw new ConfigError(errors.flatMap((error) => error.problems))
  }
  return nodes
}

function createNode(planned: PlannedNode, surroundings: Surroundings): Node {
  switch (planned.component.factory.kind) {
    case 'processor':
      return new ProcessorNode(planned, surroundings)
    case 'connector':
      return new ConnectorNode(planned, surroundings)
    case 'exporter':
      return new ExporterNode(planned, surroundings)
    default:
      return new SourceNode(planned, surroundings)
  }
}

function cannotCreate(planned: PlannedNode, error: unknown): ConfigError {
  if (error instanceof ConfigError) return error
  const { component, pipeline, signals } = planned
  const { kind } = component.factory
  const [signal] = signals
  const what =
    pipeline !== undefined
      ? `"${component.id.text}" ${kind}, in pipeline "${pipeline}"`
      : signal === undefined
        ? `"${component.id.text}" ${kind}`
        : `"${component.id.text}" ${kind} for data type "${signal}"`
  const place = kind === 'extension' ? 'extensions' : 'pipelines'
  const message = `failed to build ${place}: failed to create ${what}: ${errorMessage(error)}`
  return new ConfigError([{ path: '', message, position: component.position }], { cause: error })
}

/** Points the edges at what the plan says: all of them, or those of the nodes in `only`. */
export function connect(plan: Plan, nodes: ReadonlyMap<string, Node>, only?: ReadonlySet<Node>): void {
  const isMeant = (node: Node) => only === undefined || only.has(node)
  const must = (key: string) => {
    const node = nodes.get(key)
    if (node === undefined) throw new Error(`there is no node ${key}`)
    return node
  }
  const heads = new Map<string, Inlet>()
  for (const pipeline of plan.pipelines) heads.set(pipeline.id, connectPipeline(pipeline, must, isMeant))

  for (const { key, feeds } of plan.nodes) {
    const node = must(key)
    if (feeds.length === 0 || !isMeant(node)) continue
    for (const [signal, outlet] of node.outlets) outlet.target = fanOut(headsOf(feeds, signal, heads))
    for (const [pipeline, outlets] of node.routes) {
      const head = heads.get(pipeline)
      for (const outlet of outlets.values()) if (head !== undefined) outlet.target = head
    }
  }
}

function headsOf(feeds: readonly PlannedPipeline[], signal: Signal, heads: ReadonlyMap<string, Inlet>): Inlet[] {
  return feeds.flatMap((pipeline) => {
    const head = heads.get(pipeline.id)
    return pipeline.signal === signal && head !== undefined ? [head] : []
  })
}

/** Connects the chain from its end; the answer is where data enters the pipeline. */
function connectPipeline(
  pipeline: PlannedPipeline,
  must: (key: string) => Node,
  isMeant: (node: Node) => boolean,
): Inlet {
  const { signal } = pipeline
  let head = fanOut(pipeline.exporters.map((key) => must(key).inlet(signal)))
  for (const key of pipeline.processors.toReversed()) {
    const node = must(key)
    const outlet = node.outlets.get(signal)
    if (outlet !== undefined && isMeant(node)) outlet.target = head
    head = node.inlet(signal)
  }
  return head
}

export async function startNode(node: Node, logger: Logger): Promise<void> {
  try {
    await node.start()
  } catch (cause) {
    const { factory, id } = node.planned.component
    const message = errorMessage(cause)
    logger.error('Failed to start component', { error: message, type: factory.kind, id: id.text })
    throw new Error(
      factory.kind === 'extension'
        ? `failed to start extensions: ${id.text}: ${message}`
        : `cannot start pipelines: failed to start "${id.text}" ${factory.kind}: ${message}`,
      { cause },
    )
  }
}
