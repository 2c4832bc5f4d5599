import type { Batch, Signal } from '../data/telemetry.ts'
import { deliver, type Inlet } from './inlet.ts'
import { Node } from './node.ts'

type Handler = (batch: Batch) => void | Promise<void>

/** A connector takes the batch when it is committed: what it emits has queues of its own further on. */
export class ConnectorNode extends Node {
  inlet(signal: Signal): Inlet {
    const handler = this.instance[signal] as Handler | undefined
    if (handler === undefined)
      throw new Error(`${this.name} says that it supports ${signal}, but has no handler for it`)
    const flow = this.flowOf(signal)
    const take = async (batch: Batch): Promise<void> => {
      // A reload may have come between the two steps, or be at it: who has handed on its state takes no more.
      if (!this.isOpen) return deliver(this.inlet(signal), batch)
      try {
        await this.inside(() => handler.call(this.instance, batch))
        this.noteSuccess()
        flow.passed(batch)
      } catch (error) {
        flow.refused(batch)
        throw this.asRefusal(error, batch.count)
      }
    }
    return {
      prepare: (batch) => this.enter(batch, () => ({ certain: false, commit: () => take(batch), release: () => {} })),
    }
  }
}
