/** Where a statement stands while metrics are rewritten as lists: what functions need that add metrics, or change the type or the points of one. */
import type { MetricGroup } from '../data/metric-rewrite.ts'
import type { MetricRewrite } from '../data/rewritten-metric.ts'
import type { PointRewrite } from '../data/rewritten-point.ts'
import type { Frame } from './frame.ts'
import { type Args, editor, type FunctionSpec, type Params } from './functions/signature.ts'
import { fail } from './problems.ts'

/** Added metrics are visited as well, as upstream does: a copy of a copy of a copy ends here, not when memory does. */
const maxGenerations = 16

export class MetricRewriting {
  readonly group: MetricGroup
  metric: MetricRewrite
  /** In the datapoint context. */
  point: PointRewrite | undefined = undefined
  /** 0 for what came in, 1 for what was added while that was visited, ... */
  generation = 0

  constructor(group: MetricGroup, metric: MetricRewrite) {
    this.group = group
    this.metric = metric
  }

  /** Puts a metric at the end of the group, where the statements will visit it in turn. */
  add(metric: MetricRewrite): void {
    if (this.generation >= maxGenerations) {
      fail(
        `the statement adds metrics to metrics that it added itself, ${maxGenerations} times over: narrow it with a where clause`,
      )
    }
    this.group.metrics.push(metric)
  }
}

/** An editor that runs on the drafts of `rewriteMetrics`; a group with one runs there. For the metric and datapoint contexts. */
export function metricEditor<P extends Params>(
  name: string,
  params: P,
  make: (args: Args<P>) => (at: MetricRewriting, frame: Frame) => void,
): FunctionSpec {
  const spec = editor(name, params, (args: Args<P>) => {
    const run = make(args)
    return (frame) => run(frame.rewriting ?? fail(`${name} works on the metrics of a batch only`), frame)
  })
  return { ...spec, rewritesMetrics: true }
}
