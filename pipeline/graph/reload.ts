import { errorMessage } from '../error-message.ts'
import { type Changes, diffPlans } from './diff.ts'
import { ExporterNode } from './exporter-node.ts'
import { connect, createNodes, type Graph, startNode } from './graph.ts'
import type { Node } from './node.ts'
import type { Plan } from './plan.ts'

export interface ReloadReport {
  readonly kept: number
  readonly changed: number
  readonly added: number
  readonly removed: number
}

/**
 * Makes the running graph the one of `plan`. What did not change keeps running; what changed is replaced one node at a time while its senders
 * wait; what is gone is emptied and closed at the end. When anything cannot be created or started, everything is put back and the error thrown.
 */
export async function reloadGraph(graph: Graph, plan: Plan): Promise<ReloadReport> {
  graph.changeTo(plan)
  try {
    return await reload(graph, plan)
  } finally {
    graph.settled()
  }
}

async function reload(graph: Graph, plan: Plan): Promise<ReloadReport> {
  const changes = diffPlans(graph, plan)
  const created = createNodes(
    changes.fresh.map(({ planned }) => planned),
    graph.surroundings,
  )
  const { offers } = graph
  const nodes = mergeNodes(graph, plan, created)
  connect(plan, nodes, new Set(created))
  graph.offers = plan.extensions.flatMap(({ key }) => nodes.get(key) ?? [])

  const swapped: Swap[] = []
  try {
    for (const [index, node] of created.entries()) {
      swapped.push(await putInPlace(graph, node, changes.fresh[index]?.previous))
    }
  } catch (error) {
    for (const node of created) if (node.state === 'starting') node.discard()
    graph.offers = offers
    graph.nodes = await putBack(graph, swapped, error)
    connect(graph.plan, graph.nodes)
    throw error
  }
  graph.nodes = nodes
  graph.plan = plan
  connect(plan, nodes)
  await remove(graph, changes)
  return report(changes)
}

interface Swap {
  readonly node: Node
  readonly previous: Node | undefined
}

/** A node could not be started. `revived` runs in its place again, where there was one. */
class SwapError extends Error {
  readonly key: string
  readonly revived: Node | undefined

  constructor(key: string, revived: Node | undefined, cause: unknown) {
    super(errorMessage(cause), { cause })
    this.key = key
    this.revived = revived
  }
}

function mergeNodes(graph: Graph, plan: Plan, created: readonly Node[]): ReadonlyMap<string, Node> {
  const fresh = new Map(created.map((node) => [node.key, node]))
  return new Map(
    [...plan.extensions, ...plan.nodes].map(({ key }) => [key, fresh.get(key) ?? graph.node(key)] as const),
  )
}

async function putInPlace(graph: Graph, node: Node, previous: Node | undefined): Promise<Swap> {
  if (previous === undefined) {
    try {
      await startNode(node, graph.logger)
    } catch (error) {
      await close(graph, node)
      throw new SwapError(node.key, undefined, error)
    }
    return { node, previous }
  }
  const open = await previous.hold(graph.surroundings.swapTimeoutMs)
  try {
    await takeOver(graph, node, previous)
    return { node, previous }
  } finally {
    open()
  }
}

/** Empties `previous`, hands its state and what waits in it to `node`, and starts that; where it does not start, the old config runs again. */
async function takeOver(graph: Graph, node: Node, previous: Node): Promise<void> {
  const isAdopted = node.adopt(previous)
  if (previous instanceof ExporterNode) await previous.handOver(deadlineOf(graph), node)
  let state: Uint8Array | undefined
  let isRestored = false
  try {
    state = await previous.save()
    if (!isAdopted) await previous.shutdown(deadlineOf(graph))
    if (state !== undefined) {
      await node.restore(state)
      isRestored = true
    }
    await startNode(node, graph.logger)
    if (isAdopted) await previous.shutdown(deadlineOf(graph))
  } catch (error) {
    // What it took over goes back; else it would let go of it now, and the revived one again.
    if (isRestored) state = await takeBack(graph, node, state)
    await close(graph, node)
    throw new SwapError(node.key, await revive(graph, previous, state, previous), error)
  }
  succeed(node, previous)
}

async function takeBack(graph: Graph, node: Node, given: Uint8Array | undefined): Promise<Uint8Array | undefined> {
  try {
    return await node.save()
  } catch (error) {
    graph.logger.error('A component that did not start keeps what it had taken over.', { component: node.name, error })
    return given
  }
}

/** A new instance of `original`'s config, in the place of `from`, which is closed. */
async function revive(
  graph: Graph,
  original: Node,
  state: Uint8Array | undefined,
  from: Node,
): Promise<Node | undefined> {
  try {
    const [revived] = createNodes([original.planned], graph.surroundings)
    if (revived === undefined) return undefined
    connect(graph.plan, new Map([...graph.nodes, [revived.key, revived]]), new Set([revived]))
    if (state !== undefined) await revived.restore(state)
    await startNode(revived, graph.logger)
    succeed(revived, from)
    return revived
  } catch (error) {
    graph.logger.error('A component could not be put back after a failed reload.', { component: original.name, error })
    if (from instanceof ExporterNode) from.bequeath(undefined)
    return undefined
  }
}

function succeed(node: Node, previous: Node): void {
  node.takePlaceOf(previous)
  if (previous instanceof ExporterNode && node instanceof ExporterNode) previous.bequeath(node)
}

/** Undoes what a failed reload has done so far, last first. The answer is the nodes that run. */
async function putBack(graph: Graph, swapped: readonly Swap[], error: unknown): Promise<ReadonlyMap<string, Node>> {
  const nodes = new Map(graph.nodes)
  if (error instanceof SwapError && error.revived !== undefined) nodes.set(error.key, error.revived)
  for (const { node, previous } of swapped.toReversed()) {
    if (previous === undefined) {
      await close(graph, node)
      continue
    }
    const open = await node.hold(graph.surroundings.swapTimeoutMs)
    try {
      if (node instanceof ExporterNode) await node.handOver(deadlineOf(graph), previous)
      const state = await node.save()
      await close(graph, node)
      const revived = await revive(graph, previous, state, node)
      if (revived !== undefined) nodes.set(revived.key, revived)
    } finally {
      open()
    }
  }
  return nodes
}

async function remove(graph: Graph, { removed }: Changes): Promise<void> {
  for (const node of removed) {
    const open = await node.hold(graph.surroundings.swapTimeoutMs)
    open()
    await close(graph, node)
  }
}

async function close(graph: Graph, node: Node): Promise<void> {
  if (node.state === 'stopped') return
  try {
    await node.shutdown(deadlineOf(graph))
  } catch (error) {
    graph.logger.error('A component did not shut down cleanly.', { component: node.name, error })
  }
}

function deadlineOf(graph: Graph): AbortSignal {
  return AbortSignal.timeout(graph.surroundings.swapTimeoutMs)
}

function report({ fresh, removed, kept }: Changes): ReloadReport {
  const changed = fresh.filter(({ previous }) => previous !== undefined).length
  return { kept, changed, added: fresh.length - changed, removed: removed.length }
}
