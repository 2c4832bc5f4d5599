import type { Emit } from '../component.ts'
import { type Batch, itemNoun, type Signal } from '../data/telemetry.ts'
import type { Counter, Labels, Meter } from '../telemetry/meter.ts'
import { deliver, type Inlet } from './inlet.ts'

/** The edge on which a component emits one signal. The component never holds what comes next, so a reload can point the edge elsewhere. */
export class Outlet {
  target: Inlet | undefined
  readonly #owner: string
  readonly #signal: Signal

  constructor(owner: string, signal: Signal) {
    this.#owner = owner
    this.#signal = signal
  }

  async send(batch: Batch): Promise<void> {
    if (batch.signal !== this.#signal) {
      throw new TypeError(`${this.#owner} emitted ${batch.signal} as ${this.#signal}`)
    }
    if (batch.count === 0) return
    if (this.target === undefined) throw new Error(`no pipeline takes ${this.#signal} from ${this.#owner}`)
    await deliver(this.target, batch)
  }
}

/** A receiver's edge: what the pipeline accepted and refused is the receiver's own figure. */
export class ReceiverOutlet extends Outlet {
  readonly #accepted: Counter
  readonly #refused: Counter
  readonly #receiver: string
  readonly #labels = new Map<string, Labels>()

  constructor(receiver: string, signal: Signal, meter: Meter) {
    super(`receiver "${receiver}"`, signal)
    this.#receiver = receiver
    const noun = itemNoun[signal].replace('_', ' ')
    this.#accepted = meter.counter(
      `otelcol_receiver_accepted_${itemNoun[signal]}`,
      `Number of ${noun} successfully pushed into the pipeline.`,
    )
    this.#refused = meter.counter(
      `otelcol_receiver_refused_${itemNoun[signal]}`,
      `Number of ${noun} that could not be pushed into the pipeline.`,
    )
  }

  override async send(batch: Batch): Promise<void> {
    const labels = this.#labelsOf(batch.origin.transport ?? '')
    try {
      await super.send(batch)
    } catch (error) {
      this.#refused.add(batch.count, labels)
      throw error
    }
    this.#accepted.add(batch.count, labels)
  }

  /** The same object for the same transport, so that counting allocates nothing. A component has a handful of transports. */
  #labelsOf(transport: string): Labels {
    let labels = this.#labels.get(transport)
    if (labels === undefined) {
      labels = { receiver: this.#receiver, transport }
      if (this.#labels.size < 16) this.#labels.set(transport, labels)
    }
    return labels
  }
}

export function emitOn(outlets: ReadonlyMap<Signal, Outlet>, owner: string): Emit {
  const on = (signal: Signal) => async (batch: Batch) => {
    const outlet = outlets.get(signal)
    if (outlet === undefined) throw new Error(`${owner} does not emit ${signal}`)
    await outlet.send(batch)
  }
  return { traces: on('traces'), metrics: on('metrics'), logs: on('logs'), profiles: on('profiles') }
}
