import type { Emit } from '../component.ts'
import { type Batch, itemNoun, type Signal } from '../data/telemetry.ts'
import type { Counter, Labels, Meter } from '../telemetry/meter.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import { Flow } from './flow.ts'
import { deliver, type Inlet } from './inlet.ts'

/** The edge on which a component emits one signal. The component never holds what comes next, so a reload can point the edge elsewhere. */
export class Outlet {
  target: Inlet | undefined
  readonly flow = new Flow()
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
    try {
      await deliver(this.target, batch)
    } catch (error) {
      this.flow.refused(batch)
      throw error
    }
    this.flow.passed(batch)
  }
}

const spanSuffixes: Readonly<Record<Signal, string>> = {
  traces: 'TraceDataReceived',
  metrics: 'MetricsReceived',
  logs: 'LogsReceived',
  profiles: 'ProfilesReceived',
}

/** A receiver's edge: what the pipeline accepted and refused is the receiver's own figure. */
export class ReceiverOutlet extends Outlet {
  readonly #accepted: Counter
  readonly #refused: Counter
  readonly #failed: Counter
  readonly #receiver: string
  readonly #tracer: Tracer
  readonly #spanName: string
  readonly #noun: string
  readonly #labels = new Map<string, Labels>()

  constructor(receiver: string, signal: Signal, meter: Meter, tracer: Tracer) {
    super(`receiver "${receiver}"`, signal)
    this.#receiver = receiver
    this.#tracer = tracer
    this.#spanName = `receiver/${receiver}/${spanSuffixes[signal]}`
    this.#noun = itemNoun[signal]
    const noun = itemNoun[signal].replace('_', ' ')
    this.#accepted = meter.counter(
      `otelcol_receiver_accepted_${itemNoun[signal]}`,
      `Number of ${noun} successfully pushed into the pipeline.`,
    )
    this.#refused = meter.counter(
      `otelcol_receiver_refused_${itemNoun[signal]}`,
      `Number of ${noun} that could not be pushed into the pipeline.`,
    )
    this.#failed = meter.counter(`otelcol_receiver_failed_${itemNoun[signal]}`)
  }

  override async send(batch: Batch): Promise<void> {
    const labels = this.#labelsOf(batch.origin.transport ?? '')
    try {
      await (this.#tracer.isOn ? this.#sendTraced(batch, labels) : super.send(batch))
    } catch (error) {
      this.#refused.add(batch.count, labels)
      throw error
    }
    this.#accepted.add(batch.count, labels)
  }

  async #sendTraced(batch: Batch, { transport = '' }: Labels): Promise<void> {
    const span = this.#tracer.received(this.#spanName, batch, transport === '' ? {} : { transport })
    const counts = (accepted: number, refused: number) => ({
      [`accepted_${this.#noun}`]: accepted,
      [`refused_${this.#noun}`]: refused,
      [`failed_${this.#noun}`]: 0,
    })
    try {
      await super.send(batch)
    } catch (error) {
      this.#tracer.end(span, counts(0, batch.count), error)
      throw error
    }
    this.#tracer.end(span, counts(batch.count, 0))
  }

  /** The same object for the same transport, so that counting allocates nothing. A component has a handful of transports. */
  #labelsOf(transport: string): Labels {
    let labels = this.#labels.get(transport)
    if (labels === undefined) {
      labels = { receiver: this.#receiver, transport }
      // As upstream, all three are there from the first request on, so that a rate has somewhere to start.
      for (const counter of [this.#accepted, this.#refused, this.#failed]) counter.add(0, labels)
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
