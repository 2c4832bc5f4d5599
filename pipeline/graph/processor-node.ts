import { type Held, held, Rejected } from '../component.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import type { Counter, Labels } from '../telemetry/meter.ts'
import { type Inlet, type Prepared, taken } from './inlet.ts'
import { Node } from './node.ts'
import type { PlannedNode } from './plan.ts'
import type { Surroundings } from './surroundings.ts'

type Handler = (batch: Batch) => Batch | Held | Promise<Batch | Held>

export class ProcessorNode extends Node {
  readonly #incoming: Counter
  readonly #outgoing: Counter

  constructor(planned: PlannedNode, surroundings: Surroundings) {
    super(planned, surroundings)
    this.#incoming = this.meter.counter('otelcol_processor_incoming_items', 'Number of items passed to the processor.')
    this.#outgoing = this.meter.counter(
      'otelcol_processor_outgoing_items',
      'Number of items emitted from the processor.',
    )
  }

  inlet(signal: Signal): Inlet {
    const handler = this.instance[signal] as Handler | undefined
    if (handler === undefined)
      throw new Error(`${this.name} says that it supports ${signal}, but has no handler for it`)
    const labels: Labels = { 'otel.signal': signal }
    const next = this.outlets.get(signal)
    const transform = async (batch: Batch): Promise<Prepared> => {
      this.#incoming.add(batch.count, labels)
      const out = await this.#run(handler, batch)
      if (out === held) return taken
      this.#outgoing.add(out.count, labels)
      if (out.count === 0) return taken
      // Asked for now, not before: a reload may have pointed the edge elsewhere.
      return next?.target?.prepare(out) ?? taken
    }
    return { prepare: (batch) => this.enter(batch, () => transform(batch)) }
  }

  async #run(handler: Handler, batch: Batch): Promise<Batch | Held> {
    try {
      const answer = handler.call(this.instance, batch)
      const out = answer instanceof Promise ? await this.#inTime(answer) : answer
      if (out !== held && out?.signal !== batch.signal) throw new TypeError(describeAnswer(out, batch))
      this.noteSuccess()
      return out
    } catch (error) {
      throw this.asRefusal(error, batch.count)
    }
  }

  /** A handler that never answers must not hold its sender for ever. Its late answer is thrown away, since the sender was told to retry. */
  #inTime(answer: Promise<Batch | Held>): Promise<Batch | Held> {
    const { handlerTimeoutMs } = this.surroundings
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(handlerTimeoutMs, () => {
        const message = `${this.name} did not answer within ${handlerTimeoutMs / 1000} s`
        this.foundBug(new Error(message))
        reject(new Rejected(message, { retryable: true }))
      })
      answer.then(resolve, reject).finally(cancel)
    })
  }
}

function describeAnswer(out: unknown, batch: Batch): string {
  const wanted = 'return the batch, a changed one, or `held`'
  if (out === undefined) return `the ${batch.signal} handler returned nothing; ${wanted}`
  const what = typeof out === 'object' && out !== null && 'signal' in out ? String(out.signal) : typeof out
  return `the ${batch.signal} handler returned ${what}; ${wanted}`
}
