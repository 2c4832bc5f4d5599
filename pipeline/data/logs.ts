import { LogRecordDraft } from './draft.ts'
import type { Draft, Session } from './edit.ts'
import { type Chunks, ItemBatch, type Opener } from './item-batch.ts'
import { scanLogs } from './log-columns.ts'
import { LogRecordView } from './log-record.ts'
import { Places } from './place.ts'
import type { In, LogColumns, LogRecord, Logs, Origin, RowPlan } from './telemetry.ts'
import type { Tree } from './tree.ts'

export class LogsBatch extends ItemBatch<Logs, LogRecord, RowPlan, LogColumns> implements Logs {
  readonly signal = 'logs'

  protected make(chunks: Chunks, counts: readonly number[], origin: Origin): Logs {
    return new LogsBatch(chunks, counts, origin)
  }

  protected views(tree: Tree): Opener<LogRecord & In> {
    const { bytes, items } = tree
    const { start, end, parent } = items
    const places = new Places(tree)
    return (i) => new LogRecordView(bytes, start[i]!, end[i]!, places.at(parent[i]!))
  }

  protected drafts(tree: Tree, session: Session): Opener<Draft> {
    const { bytes, items } = tree
    const { start, end, parent } = items
    const places = new Places(tree)
    return (i) => new LogRecordDraft(bytes, start[i]!, end[i]!, places.at(parent[i]!), session)
  }

  protected scan(plan: RowPlan): LogColumns {
    return scanLogs([...this.trees()], this.count, plan)
  }
}
