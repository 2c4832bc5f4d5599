import type { Attempt } from '../component.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import type { ExportingOptions } from '../export/exporting.ts'
import { type Reservation, type Sender, wrapExporter } from '../export/sender.ts'
import type { SendingSettings } from '../export/sending.ts'
import type { ComponentView } from '../telemetry/engine-view.ts'
import { Flow } from './flow.ts'
import { deliver, type Inlet, type Prepared } from './inlet.ts'
import { Node } from './node.ts'
import type { PlannedNode } from './plan.ts'
import type { Surroundings } from './surroundings.ts'

type Handler = (batch: Batch, attempt: Attempt) => void | Promise<void>

/** An exporter behind its queue, retry and timeout: one sender a signal, as upstream has one exporter a signal. */
export class ExporterNode extends Node {
  readonly #senders = new Map<Signal, Sender>()
  readonly #exported: Partial<Record<Signal, Flow>> = {}
  /** Bounded by the queues it comes from. */
  #waiting: Batch[] = []
  #heir: ExporterNode | undefined

  constructor(planned: PlannedNode, surroundings: Surroundings) {
    super(planned, surroundings)
    const sending = (planned.component.sending ?? {}) as SendingSettings
    for (const signal of planned.signals) {
      const handler = this.instance[signal] as Handler | undefined
      if (handler === undefined)
        throw new Error(`${this.name} says that it supports ${signal}, but has no handler for it`)
      const sender = wrapExporter({
        context: this.context,
        signal,
        handler: (batch, attempt) => handler.call(this.instance, batch, attempt),
        sending,
        originKey: (origin) => this.context.originKey(origin),
        around: this.#watch(signal),
      })
      this.#senders.set(signal, sender)
    }
  }

  inlet(signal: Signal): Inlet {
    const sender = this.#senders.get(signal)
    if (sender === undefined) throw new Error(`${this.name} takes no ${signal}`)
    const flow = this.flowOf(signal)
    const reserve = (batch: Batch): Reservation => {
      try {
        const reservation = sender.reserve(batch)
        flow.passed(batch)
        return reservation
      } catch (error) {
        flow.refused(batch)
        throw error
      }
    }
    return { prepare: (batch) => this.enter(batch, () => this.#throughGate(batch, reserve(batch))) }
  }

  override view(): ComponentView {
    return { ...super.view(), given: this.#exported }
  }

  /** Counts each export, and gives it a span. */
  #watch(signal: Signal): NonNullable<ExportingOptions['around']> {
    const flow = new Flow()
    this.#exported[signal] = flow
    const { tracer } = this.surroundings
    const id = this.planned.component.id.text
    const name = `exporter/${id}/${signal}`
    const about = { exporter: id, data_type: signal }
    return async (batch, parts, run) => {
      const merged = tracer.isOn ? parts.map((part) => part.batch) : []
      const span = tracer.isOn ? tracer.work(name, batch, merged, about) : undefined
      try {
        await run(span && tracer.traceparentOf(span))
      } catch (error) {
        flow.refused(batch)
        if (span) tracer.end(span, { 'items.sent': 0, 'items.failed': batch.count }, error)
        throw error
      }
      flow.passed(batch)
      if (span) tracer.end(span, { 'items.sent': batch.count, 'items.failed': 0 })
    }
  }

  /** A place that was reserved before a reload and is taken during it: without a queue the batch goes to the successor. */
  #throughGate(batch: Batch, reservation: Reservation): Prepared {
    if (reservation.certain) return reservation
    return {
      certain: false,
      commit: () => {
        if (this.isOpen) return reservation.commit()
        reservation.release()
        return deliver(this.inlet(batch.signal), batch)
      },
      release: () => reservation.release(),
    }
  }

  override async start(): Promise<void> {
    await super.start()
    for (const sender of this.#senders.values()) await sender.start()
  }

  /** The queue first, through the exporter that is still open. */
  override async shutdown(deadline: AbortSignal): Promise<void> {
    await Promise.all([...this.#senders.values()].map((sender) => sender.shutdown(deadline)))
    await super.shutdown(deadline)
  }

  /** Stops sending and keeps what waits in the queues for `heir`, which takes this node's place. */
  async handOver(deadline: AbortSignal, heir: Node): Promise<void> {
    const give = (batch: Batch) => this.#give(batch)
    const senderOf = (signal: Signal) => (heir instanceof ExporterNode ? heir.senderOf(signal) : undefined)
    await Promise.all(
      Array.from(this.#senders, ([signal, sender]) => sender.handOver(give, deadline, senderOf(signal))),
    )
  }

  /** What was handed over goes to `heir`; without one it is lost. */
  bequeath(heir: ExporterNode | undefined): void {
    this.#heir = heir
    const waiting = this.#waiting
    this.#waiting = []
    for (const batch of waiting) {
      if (heir === undefined) this.context.dropped(batch.count, 'no_successor', 'lost')
      else this.#give(batch)
    }
  }

  /** At once where the heir is known already: a place that was reserved before the reload may be taken after it. */
  #give(batch: Batch): void {
    const sender = this.#heir?.senderOf(batch.signal)
    if (sender !== undefined) sender.takeOver(batch)
    else if (this.#heir !== undefined) this.context.dropped(batch.count, 'signal_removed', 'lost')
    else this.#waiting.push(batch)
  }

  senderOf(signal: Signal): Sender | undefined {
    return this.#senders.get(signal)
  }
}
