import type { Batch } from '../data/telemetry.ts'
import type { FlowView } from '../telemetry/engine-view.ts'

/** What went over one edge since it exists: plain numbers, so that counting costs nothing. */
export class Flow implements FlowView {
  batches = 0
  items = 0
  /** Of what went over as bytes: counting makes none of columns. */
  bytes = 0
  refusedItems = 0

  passed(batch: Batch): void {
    this.batches++
    this.items += batch.count
    if (batch.isEncoded) this.bytes += batch.byteLength
  }

  add(other: FlowView): void {
    this.batches += other.batches
    this.items += other.items
    this.bytes += other.bytes
    this.refusedItems += other.refusedItems
  }

  refused(batch: Batch): void {
    this.refusedItems += batch.count
  }
}
