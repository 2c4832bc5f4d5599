import type { Attempt } from '../component.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { type Reservation, type Sender, wrapExporter } from '../export/sender.ts'
import type { SendingSettings } from '../export/sending.ts'
import { deliver, type Inlet, type Prepared } from './inlet.ts'
import { Node } from './node.ts'
import type { PlannedNode } from './plan.ts'
import type { Surroundings } from './surroundings.ts'

type Handler = (batch: Batch, attempt: Attempt) => void | Promise<void>

/** An exporter behind its queue, retry and timeout: one sender a signal, as upstream has one exporter a signal. */
export class ExporterNode extends Node {
  readonly #senders = new Map<Signal, Sender>()
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
      })
      this.#senders.set(signal, sender)
    }
  }

  inlet(signal: Signal): Inlet {
    const sender = this.#senders.get(signal)
    if (sender === undefined) throw new Error(`${this.name} takes no ${signal}`)
    return { prepare: (batch) => this.enter(batch, () => this.#throughGate(batch, sender.reserve(batch))) }
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
    for (const sender of this.#senders.values()) sender.start()
  }

  /** The queue first, through the exporter that is still open. */
  override async shutdown(deadline: AbortSignal): Promise<void> {
    await Promise.all([...this.#senders.values()].map((sender) => sender.shutdown(deadline)))
    await super.shutdown(deadline)
  }

  /** Stops sending and keeps what waits in the queues for whoever takes this node's place. */
  async handOver(deadline: AbortSignal): Promise<void> {
    const give = (batch: Batch) => this.#give(batch)
    await Promise.all([...this.#senders.values()].map((sender) => sender.handOver(give, deadline)))
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
