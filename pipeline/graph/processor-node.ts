import { type Held, held, Rejected } from '../component.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import type { Counter, Histogram, Labels } from '../telemetry/meter.ts'
import { type Inlet, type Prepared, taken } from './inlet.ts'
import { Node } from './node.ts'
import type { PlannedNode } from './plan.ts'
import type { Surroundings } from './surroundings.ts'

type Handler = (batch: Batch) => Batch | Held | Promise<Batch | Held>

/** The SDK's own, in seconds, as upstream has them for want of others. */
const durationBounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000]

export class ProcessorNode extends Node {
  readonly #incoming: Counter
  readonly #outgoing: Counter
  readonly #duration: Histogram

  constructor(planned: PlannedNode, surroundings: Surroundings) {
    super(planned, surroundings)
    this.#incoming = this.meter.counter('otelcol_processor_incoming_items', 'Number of items passed to the processor.')
    this.#outgoing = this.meter.counter(
      'otelcol_processor_outgoing_items',
      'Number of items emitted from the processor.',
    )
    this.#duration = this.meter.histogram('otelcol_processor_internal_duration', durationBounds)
  }

  inlet(signal: Signal): Inlet {
    const handler = this.instance[signal] as Handler | undefined
    if (handler === undefined)
      throw new Error(`${this.name} says that it supports ${signal}, but has no handler for it`)
    const labels: Labels = { 'otel.signal': signal }
    const next = this.outlets.get(signal)
    const flow = this.flowOf(signal)
    const { tracer } = this.surroundings
    const about = { processor: this.planned.component.id.text }
    const transform = async (batch: Batch): Promise<Prepared> => {
      this.#incoming.add(batch.count, labels)
      if (tracer.isOn) tracer.event(batch, 'Start processing.', about)
      const startMs = performance.now()
      let out: Batch | Held
      try {
        out = await this.#run(handler, batch)
      } catch (error) {
        flow.refused(batch)
        throw error
      } finally {
        this.#duration.record((performance.now() - startMs) / 1e3, labels)
        if (tracer.isOn) tracer.event(batch, 'End processing.', about)
      }
      flow.passed(batch)
      if (out === held) return taken
      if (tracer.isOn) tracer.follow(batch, out)
      this.#outgoing.add(out.count, labels)
      if (out.count === 0) return taken
      next?.flow.passed(out)
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
