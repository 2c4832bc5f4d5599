import { SpanDraft } from './draft.ts'
import type { Draft, Session } from './edit.ts'
import { type Chunks, ItemBatch, type Opener } from './item-batch.ts'
import { Places } from './place.ts'
import { SpanView } from './span.ts'
import { scanSpans } from './span-columns.ts'
import type { In, Origin, RowPlan, Span, SpanColumns, Traces } from './telemetry.ts'
import { groupTraces } from './trace-groups.ts'
import type { Tree } from './tree.ts'

export class TracesBatch extends ItemBatch<Traces, Span, RowPlan, SpanColumns> implements Traces {
  readonly signal = 'traces';

  *groupByTrace(): Iterable<{ traceId: string; spans: Traces }> {
    const groups = groupTraces([...this.trees()])
    for (const group of groups) {
      yield { traceId: group.traceId, spans: groups.length === 1 ? this : this.ofGroup(group) }
    }
  }

  protected make(chunks: Chunks, counts: readonly number[], origin: Origin): Traces {
    return new TracesBatch(chunks, counts, origin)
  }

  protected views(tree: Tree): Opener<Span & In> {
    const { bytes, items } = tree
    const { start, end, parent } = items
    const places = new Places(tree)
    return (i) => new SpanView(bytes, start[i]!, end[i]!, places.at(parent[i]!))
  }

  protected drafts(tree: Tree, session: Session): Opener<Draft> {
    const { bytes, items } = tree
    const { start, end, parent } = items
    const places = new Places(tree)
    return (i) => new SpanDraft(bytes, start[i]!, end[i]!, places.at(parent[i]!), session)
  }

  protected scan(plan: RowPlan): SpanColumns {
    return scanSpans([...this.trees()], this.count, plan)
  }
}
