import type { ComponentConfig } from '../config/config.ts'
import type { Plan, PlannedNode, PlannedPipeline } from '../graph/plan.ts'

/**
 * Under `--workers N` a plan is cut in two. The wide part runs in every worker: receivers that are `placement: each`, and of each pipeline
 * they feed the processors up to the first that is not. The owner, the main thread, runs all the rest, and the same processors once more for
 * what does not come from a worker.
 */
export function ownerPlan(plan: Plan): Plan {
  return { ...plan, nodes: plan.nodes.filter((node) => !isWideReceiver(node)) }
}

/** Where a batch goes on in the owner. */
export interface Cut {
  readonly pipeline: string
  /** Key of the processor that takes it; undefined = the pipeline's exporters. */
  readonly next: string | undefined
}

/** `crossing` makes the component that stands in a worker for what follows in the owner. */
export function widePlan(plan: Plan, crossing: (cut: Cut) => ComponentConfig): Plan {
  const byKey = new Map(plan.nodes.map((node) => [node.key, node]))
  const wide = plan.nodes.filter(isWideReceiver)
  const wideKeys = new Set(wide.map(({ key }) => key))

  const nodes: PlannedNode[] = []
  const pipelines: PlannedPipeline[] = []
  for (const pipeline of plan.pipelines) {
    const receivers = pipeline.receivers.filter((key) => wideKeys.has(key))
    if (receivers.length === 0) continue
    const chain = pipeline.processors.flatMap((key) => byKey.get(key) ?? [])
    const end = chain.findIndex((node) => !isEach(node))
    const processors = end < 0 ? chain : chain.slice(0, end)
    const exit = exitNode(pipeline, crossing({ pipeline: pipeline.id, next: pipeline.processors[processors.length] }))
    pipelines.push({ ...pipeline, receivers, processors: processors.map(({ key }) => key), exporters: [exit.key] })
    nodes.push(...processors, exit)
  }
  const receivers = wide.map((node) => ({
    ...node,
    feeds: pipelines.filter((pipeline) => pipeline.receivers.includes(node.key)),
  }))
  return { extensions: plan.extensions.filter(isEach), nodes: [...receivers, ...nodes], pipelines }
}

function exitNode({ signal }: PlannedPipeline, component: ComponentConfig): PlannedNode {
  const signals = new Set([signal])
  return {
    key: `exporter:${component.id.text}`,
    component,
    pipeline: undefined,
    signals,
    outputs: new Set(),
    feeds: [],
  }
}

function isEach({ component }: PlannedNode): boolean {
  return component.factory.placement === 'each'
}

function isWideReceiver(node: PlannedNode): boolean {
  return node.component.factory.kind === 'receiver' && isEach(node)
}
