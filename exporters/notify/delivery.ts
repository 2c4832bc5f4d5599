/** One channel: its queue, one attempt after the other at each notice, what was told, and whom to tell what it does not take. */
import { type Attempt, type Context, Rejected } from '../../pipeline/component.ts'
import type { Batch, Logs } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { type Reservation, type Sender, wrapExporter } from '../../pipeline/export/sender.ts'
import type { SendingSettings } from '../../pipeline/export/sending.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import type { Diagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'
import type { Channel, Place } from './channel.ts'
import type { ChannelSettings } from './config.ts'
import type { Ledger, Told } from './ledger.ts'
import { type Failure, line } from './message.ts'
import { logsOf, type Notice, readNotice } from './notice.ts'

export interface DeliveryParts {
  readonly name: string
  readonly settings: ChannelSettings
  /** Of the exporter, for queues that name none of their own. */
  readonly storage: string | undefined
  readonly channel: Channel
  readonly context: Context
  readonly ledger: Ledger
  /** Tells the fallback. Rejects when it cannot take it now; undefined = there is none. */
  readonly fallback: ((logs: Logs) => Promise<void>) | undefined
  /** Hears what is wrong with it; undefined = nothing any more. */
  readonly report: (problem: string | undefined) => void
}

/** A notice that failed and has not been delivered since. */
interface Failing {
  readonly sinceMs: number
  readonly wakes: boolean
  isToldElsewhere: boolean
}

const maxFailing = 10_000
/** Beside a new state, priority or call. */
const newsReasons: ReadonlySet<Incident['reason']> = new Set(['severity', 'suspect', 'person', 'snooze_over'])

export class Delivery {
  readonly name: string
  readonly #parts: DeliveryParts
  readonly #sender: Sender
  readonly #events: Counter
  /** By event id; empty again as soon as something gets through. */
  readonly #failing = new Map<string, Failing>()
  /** Notices of one incident go one after another. */
  readonly #turns = new Map<string, Promise<void>>()
  #notBeforeMs = 0
  #isFailing = false

  constructor(parts: DeliveryParts) {
    const { name, settings, context, storage } = parts
    this.name = name
    this.#parts = parts
    this.#events = context.meter.counter(
      'otelcol_exporter_notify_events',
      'Incidents and diagnoses by channel and by what became of them: sent, updated, quiet, repeated, refused, failed.',
    )
    const { sending_queue: queue, retry_on_failure, timeout } = settings
    const withStorage = queue === undefined || queue.storage !== undefined ? queue : { ...queue, storage }
    const sending = { sending_queue: withStorage, retry_on_failure, timeout } as SendingSettings
    const { clock, random, meter, logger, signal, engine } = context
    this.#sender = wrapExporter({
      // Its queue and its metrics are its own.
      context: {
        id: `${context.id} ${name}`,
        clock,
        random,
        meter,
        logger: logger.with({ channel: name }),
        signal,
        engine,
        dropped: (items, reason, intent) => context.dropped(items, reason, intent),
        status: (state, message) => context.status(state, message),
        extension: (capability, id) => context.extension(capability, id),
      },
      signal: 'logs',
      handler: (batch, attempt) => this.#handle(batch, attempt),
      sending,
    })
  }

  async start(): Promise<void> {
    await this.#parts.channel.start?.()
    await this.#sender.start()
  }

  /** Throws `Rejected` when there is no room. */
  reserve(logs: Logs): Reservation {
    return this.#sender.reserve(logs)
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#sender.shutdown(deadline)
    this.#parts.channel.close?.()
  }

  /** For how long a page has failed that nobody else was told of, in ms. */
  stuckMs(nowMs: number): number {
    let longest = 0
    for (const { sinceMs, wakes, isToldElsewhere } of this.#failing.values())
      if (wakes && !isToldElsewhere) longest = Math.max(longest, nowMs - sinceMs)
    return longest
  }

  async #handle(batch: Batch, attempt: Attempt): Promise<void> {
    const notices: Notice[] = []
    for (const record of batch as Logs) {
      const notice = readNotice(record)
      if (notice === undefined) this.#parts.context.dropped(1, 'unreadable', 'lost')
      else notices.push(notice)
    }
    for (const [at, notice] of notices.entries()) {
      try {
        await this.#inTurn(notice.event.incident_id, () => this.#attempt(notice, attempt))
      } catch (error) {
        const { context } = this.#parts
        if (error instanceof Rejected && notices.length > 1) {
          const { retryable, retryAfterMs } = error
          const rest = logsOf(batch.origin, notices.slice(at))
          throw new Rejected(error.message, {
            retryable,
            remaining: rest,
            cause: error,
            ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
          })
        }
        if (!(error instanceof Rejected))
          context.logger.error('A notice failed unexpectedly.', { channel: this.name, error })
        throw error
      }
    }
  }

  async #inTurn(incident: string, run: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(incident)
    const mine = (before ?? Promise.resolve()).then(run)
    const settled = mine.catch(() => {})
    this.#turns.set(incident, settled)
    try {
      await mine
    } finally {
      if (this.#turns.get(incident) === settled) this.#turns.delete(incident)
    }
  }

  async #attempt(notice: Notice, attempt: Attempt): Promise<void> {
    const { clock } = this.#parts.context
    const waitMs = this.#notBeforeMs - clock.nowMs()
    try {
      if (waitMs > 0) throw new Rejected('it asked to wait', { retryable: true, retryAfterMs: waitMs })
      const outcome =
        notice.kind === 'incident'
          ? await this.#incident(notice.event, notice.failure, attempt)
          : await this.#diagnosis(notice.event, notice.failure, attempt)
      this.#count(outcome)
      if (outcome === 'sent' || outcome === 'updated') this.#recover()
      this.#failing.delete(notice.event.id)
    } catch (error) {
      await this.#failed(notice, error)
      throw error
    }
  }

  async #incident(incident: Incident, failure: Failure | undefined, attempt: Attempt): Promise<string> {
    const { ledger, channel } = this.#parts
    const id = incident.incident_id
    const known = ledger.told(id, this.name)
    const told = known !== undefined && known.revision >= 0 ? known : undefined
    const isNewFailure = failure !== undefined && told?.failures.includes(failure.channel) !== true
    const revision = told?.revision ?? -1
    if (revision > incident.incident_revision || (revision === incident.incident_revision && !isNewFailure))
      return 'repeated'
    const isNews = told === undefined || isNewFailure || isNewsAfter(incident, told)
    const place = await channel.incident(
      { incident, told, isNews, failure: isNewFailure ? failure : undefined },
      attempt,
    )
    await this.#note(id, {
      revision: incident.incident_revision,
      state: incident.state,
      priority: incident.priority,
      wakes: incident.wakes,
      title: incident.title,
      diagnosed: known?.diagnosed ?? -1,
      cause: known?.cause ?? '',
      place: place ?? told?.place ?? {},
      failures: isNewFailure ? [...(told?.failures ?? []), failure.channel] : (told?.failures ?? []),
    })
    if (place === undefined) return 'quiet'
    return told === undefined ? 'sent' : 'updated'
  }

  async #diagnosis(diagnosis: Diagnosis, failure: Failure | undefined, attempt: Attempt): Promise<string> {
    const { ledger, channel, settings } = this.#parts
    const id = diagnosis.incident_id
    const told = ledger.told(id, this.name)
    const revision = diagnosis.incident_revision
    if (told !== undefined && told.diagnosed >= revision) return 'repeated'
    const isAwaited = settings.events.includes('incident') && ledger.channels(id).includes(this.name)
    if (told === undefined && failure === undefined && isAwaited)
      throw new Rejected('its incident was not told here yet', { retryable: true })
    const cause = causeOf(diagnosis)
    const isSame = told !== undefined && told.diagnosed >= 0 && told.cause === cause
    let place: Place | undefined
    if (!isSame) place = await channel.diagnosis({ diagnosis, told, title: ledger.title(id), failure }, attempt)
    await this.#note(id, {
      ...(told ?? untold(diagnosis)),
      diagnosed: revision,
      cause,
      place: place ?? told?.place ?? {},
    })
    return place === undefined ? 'quiet' : 'sent'
  }

  async #note(incident: string, told: Told): Promise<void> {
    await this.#parts.ledger.note(incident, this.name, told)
  }

  async #failed(notice: Notice, error: unknown): Promise<void> {
    const { settings, context, fallback } = this.#parts
    const nowMs = context.clock.nowMs()
    const retryable = error instanceof Rejected && error.retryable
    if (error instanceof Rejected && error.retryAfterMs !== undefined)
      this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + error.retryAfterMs)
    const id = notice.event.id
    const known = this.#failing.get(id)
    const failing = known ?? {
      sinceMs: nowMs,
      wakes: notice.kind === 'incident' && notice.event.wakes,
      isToldElsewhere: false,
    }
    if (known === undefined && this.#failing.size < maxFailing) this.#failing.set(id, failing)
    this.#count(retryable ? 'failed' : 'refused')
    this.#report(errorMessage(error), retryable)
    if (fallback === undefined || failing.isToldElsewhere) return
    if (retryable && nowMs - failing.sinceMs < settings.fallback_after) return
    try {
      const failure = notice.failure ?? { channel: this.name, error: line(errorMessage(error)) }
      await fallback(logsOf(undefined, [{ ...notice, failure }]))
      failing.isToldElsewhere = true
      this.#count('told_elsewhere')
    } catch (cause) {
      context.logger.error('Neither a channel nor its fallback took a notice.', {
        channel: this.name,
        fallback: settings.fallback,
        error: cause,
      })
    }
  }

  #report(error: string, retryable: boolean): void {
    const { context } = this.#parts
    this.#parts.report(error)
    if (this.#isFailing && retryable) return
    this.#isFailing = true
    const what = retryable
      ? 'A channel does not take notices now; they are tried again.'
      : 'A channel refused a notice; it will not be tried again.'
    context.logger[retryable ? 'warn' : 'error'](what, { channel: this.name, error })
  }

  #recover(): void {
    this.#notBeforeMs = 0
    if (!this.#isFailing) return
    this.#isFailing = false
    this.#failing.clear()
    this.#parts.report(undefined)
    this.#parts.context.logger.info('A channel takes notices again.', { channel: this.name })
  }

  #count(outcome: string): void {
    this.#events.add(1, { channel: this.name, outcome })
  }
}

/** Of an incident that this channel does not hear of, or not yet. */
function untold({ text }: Diagnosis): Told {
  return {
    revision: -1,
    state: 'open',
    priority: 'p4',
    wakes: false,
    title: text,
    diagnosed: -1,
    cause: '',
    place: {},
    failures: [],
  }
}

function isNewsAfter(incident: Incident, told: Told): boolean {
  if (told.state !== incident.state || told.priority !== incident.priority || told.wakes !== incident.wakes) return true
  return newsReasons.has(incident.reason)
}

function causeOf({ verdict, causes }: Diagnosis): string {
  const [best] = causes
  return best === undefined
    ? verdict
    : `${verdict} ${best.hypothesis} ${best.entity.kind} ${best.entity.service} ${best.entity.name}`
}
