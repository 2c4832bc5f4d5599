import type { ComponentConfig } from '../config/config.ts'
import type { Plan, PlannedNode, PlannedPipeline } from '../graph/plan.ts'

/**
 * Under `--workers N` a plan is cut in two. The wide part runs in every worker: receivers that are `placement: each`, and of each pipeline
 * they feed the processors up to the first that is not. The owner, the main thread, runs all the rest, and the same processors once more for
 * what does not come from a worker.
 */
export interface SplitPlan {
  readonly wide: Plan
  readonly owner: Plan
}

/** Where a batch goes on in the owner. */
export interface Cut {
  readonly pipeline: string
  /** Key of the processor that takes it; undefined = the pipeline's exporters. */
  readonly next: string | undefined
}

/** `crossing` makes the component that stands in a worker for what follows in the owner. */
export function splitPlan(plan: Plan, crossing: (cut: Cut) => ComponentConfig): SplitPlan {
  const byKey = new Map(plan.nodes.map((node) => [node.key, node]))
  const isEach = (key: string) => byKey.get(key)?.component.factory.placement === 'each'
  const isWideReceiver = (key: string) => key.startsWith('receiver:') && isEach(key)

  const nodes: PlannedNode[] = []
  const pipelines: PlannedPipeline[] = []
  for (const pipeline of plan.pipelines) {
    const receivers = pipeline.receivers.filter(isWideReceiver)
    if (receivers.length === 0) continue
    const end = pipeline.processors.findIndex((key) => !isEach(key))
    const processors = end < 0 ? pipeline.processors : pipeline.processors.slice(0, end)
    const component = crossing({ pipeline: pipeline.id, next: pipeline.processors[processors.length] })
    const signals = new Set([pipeline.signal])
    const exit: PlannedNode = {
      key: `exporter:${component.id.text}`,
      component,
      pipeline: undefined,
      signals,
      outputs: new Set(),
      feeds: [],
    }
    pipelines.push({ ...pipeline, receivers, processors, exporters: [exit.key] })
    for (const key of processors) nodes.push(...nodeOf(byKey, key))
    nodes.push(exit)
  }
  const receivers = plan.nodes
    .filter(({ key }) => isWideReceiver(key))
    .map((node) => ({ ...node, feeds: pipelines.filter(({ receivers: keys }) => keys.includes(node.key)) }))
  return {
    wide: {
      extensions: plan.extensions.filter(({ component }) => component.factory.placement === 'each'),
      nodes: [...receivers, ...nodes],
      pipelines,
    },
    owner: {
      extensions: plan.extensions,
      nodes: plan.nodes.filter(({ key }) => !isWideReceiver(key)),
      pipelines: plan.pipelines,
    },
  }
}

function nodeOf(byKey: ReadonlyMap<string, PlannedNode>, key: string): readonly PlannedNode[] {
  const node = byKey.get(key)
  return node === undefined ? [] : [node]
}
