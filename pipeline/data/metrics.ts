import { editable, MetricDraft, pointDraft } from './draft.ts'
import { type Draft, type Session, seal } from './edit.ts'
import { type Chunks, ItemBatch, type Opener } from './item-batch.ts'
import { metricOf } from './metric.ts'
import { Places } from './place.ts'
import { PointView } from './point.ts'
import { scanPoints } from './point-columns.ts'
import { Splices } from './splice.ts'
import type { Editable, In, Metric, Metrics, Origin, Point, PointColumns, PointPlan } from './telemetry.ts'
import { metricLevel, type Tree } from './tree.ts'

export class MetricsBatch extends ItemBatch<Metrics, Point, PointPlan, PointColumns> implements Metrics {
  readonly signal = 'metrics'

  editMetrics(change: (metric: Editable<Metric> & In) => void): Metrics {
    return this.editing((tree, session) => {
      const places = new Places(tree)
      const { start, end, parent, size } = tree.levels[metricLevel]!
      const splices = new Splices(tree, metricLevel)
      for (let i = 0; i < size; i++) {
        const draft = new MetricDraft(tree.bytes, start[i]!, end[i]!, places.at(parent[i]!), session)
        change(editable<Metric>(draft))
        draft.settle()
        seal(draft, i, splices)
      }
      return splices
    })
  }

  protected make(chunks: Chunks, counts: readonly number[], origin: Origin): Metrics {
    return new MetricsBatch(chunks, counts, origin)
  }

  protected views(tree: Tree): Opener<Point & In> {
    const { bytes, items } = tree
    const { start, end } = items
    const metric = metricOf(tree)
    return (i) => new PointView(bytes, start[i]!, end[i]!, metric(i))
  }

  protected drafts(tree: Tree, session: Session): Opener<Draft> {
    const { bytes, items } = tree
    const { start, end } = items
    const metric = metricOf(tree)
    return (i) => pointDraft(bytes, start[i]!, end[i]!, metric(i), session)
  }

  protected scan(plan: PointPlan): PointColumns {
    return scanPoints([...this.trees()], this.count, plan)
  }
}
