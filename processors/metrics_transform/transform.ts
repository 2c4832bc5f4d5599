/** The transforms of the settings, run over the metrics of each scope. */
import type { Context } from '../../pipeline/component.ts'
import { concat } from '../../pipeline/data/batch.ts'
import { type MetricGroup, rewriteMetrics } from '../../pipeline/data/metric-rewrite.ts'
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { Failures } from '../../pipeline/ottl/failures.ts'
import { checkCombinable, combined } from './combine.ts'
import type { Config, TransformConfig } from './config.ts'
import { Grouped } from './grouped.ts'
import { type Operation, operationOf } from './operations.ts'
import { type Selection, selectionOf, takesAll, takesAny } from './selection.ts'

interface Transform {
  readonly config: TransformConfig
  readonly selection: Selection
  readonly operations: readonly Operation[]
}

export class Transformer {
  private readonly transforms: readonly Transform[]
  private readonly context: Context
  private readonly failures: Failures

  constructor({ transforms }: Config, context: Context) {
    this.transforms = transforms.map((config) => {
      const selection = selectionOf(config)
      const operations = config.operations.map((one) => operationOf(one, selection, context.engine.build.version))
      return { config, selection, operations }
    })
    this.context = context
    this.failures = new Failures('ignore', context.logger, 'transform')
  }

  run(batch: Metrics): Metrics {
    const grouped = new Grouped()
    const rewritten = rewriteMetrics(batch, (group) => {
      for (const transform of this.transforms) this.apply(transform, group, grouped)
    })
    if (grouped.isEmpty) return rewritten
    return concat('metrics', [rewritten, grouped.batch(batch.origin)], batch.origin)
  }

  private apply(transform: Transform, group: MetricGroup, grouped: Grouped): void {
    switch (transform.config.action) {
      case 'update':
        group.metrics = group.metrics.filter(
          (metric) => !isChosen(transform, metric) || this.change(transform, metric, isAllChosen(transform, metric)),
        )
        return
      case 'insert':
        this.insert(transform, group)
        return
      case 'combine':
        this.combine(transform, group)
        return
      default: {
        const metrics = this.extract(transform, group)
        const { resource, scope } = group
        const labels = transform.config.group_resource_labels ?? {}
        if (metrics.length > 0) grouped.add({ resource, scope, labels, metrics })
      }
    }
  }

  /** Copies are not copied again. */
  private insert(transform: Transform, group: MetricGroup): void {
    const copies = group.metrics
      .filter((metric) => isChosen(transform, metric))
      .map((metric) => copyOf(transform, metric))
    group.metrics.push(...copies.filter((copy) => this.change(transform, copy, true)))
  }

  private combine(transform: Transform, group: MetricGroup): void {
    const chosen = group.metrics.filter((metric) => isChosen(transform, metric))
    if (chosen.length === 0) return
    try {
      checkCombinable(chosen)
    } catch (error) {
      this.failures.add(transform.config.include, error)
      return
    }
    const metric = combined(this.extract(transform, group), transform.config, transform.selection)
    if (this.change(transform, metric, true)) group.metrics.push(metric)
  }

  /** Takes the chosen metrics out. Of a metric some of whose points are not meant, those are lost, as upstream has it. */
  private extract(transform: Transform, group: MetricGroup): MetricRewrite[] {
    const { takes, choosesPoints } = transform.selection
    const chosen = group.metrics.filter((metric) => isChosen(transform, metric))
    group.metrics = group.metrics.filter((metric) => !chosen.includes(metric))
    if (!choosesPoints) return chosen
    for (const metric of chosen) {
      const { points } = metric
      const taken = points.filter(({ attributes }) => takes(attributes))
      if (taken.length === points.length) continue
      metric.points = taken
      this.context.dropped(points.length - taken.length, 'not_matched', 'intended')
    }
    return chosen
  }

  /** False for a metric that lost all its points. */
  private change({ config, selection, operations }: Transform, metric: MetricRewrite, mayChangeAll: boolean): boolean {
    const wasEmpty = metric.pointCount === 0
    if (config.new_name !== '' && mayChangeAll) metric.name = selection.rename(metric.name)
    try {
      for (const { needsAll, run } of operations) {
        if (needsAll && !mayChangeAll) continue
        const gone = run(metric)
        if (gone > 0) this.context.dropped(gone, 'deleted_label_value', 'intended')
      }
    } catch (error) {
      this.failures.add(config.include, error)
      return true
    }
    return wasEmpty || metric.pointCount > 0
  }
}

function isChosen({ selection }: Transform, metric: MetricRewrite): boolean {
  return selection.names(metric) && takesAny(selection, metric)
}

function isAllChosen({ selection }: Transform, metric: MetricRewrite): boolean {
  return takesAll(selection, metric)
}

/** With the points that are meant. */
function copyOf({ selection: { choosesPoints, takes } }: Transform, metric: MetricRewrite): MetricRewrite {
  const copy = metric.clone()
  if (choosesPoints) copy.points = copy.points.filter(({ attributes }) => takes(attributes))
  return copy
}
