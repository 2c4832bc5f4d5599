import { type Context, defineExporter, Rejected } from '../../pipeline/component.ts'
import type { Logs, Origin } from '../../pipeline/data/telemetry.ts'
import type { Reservation } from '../../pipeline/export/sender.ts'
import type { HttpClient } from '../../pipeline/net/http-client.ts'
import { httpClientKeys } from '../../pipeline/net/http-client-keys.ts'
import { userAgent } from '../../pipeline/net/user-agent.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import type { Channel } from './channel.ts'
import { type ChannelSettings, type Config, config } from './config.ts'
import { Delivery } from './delivery.ts'
import { emailChannel } from './email.ts'
import { Heartbeat } from './heartbeat.ts'
import { Ledger } from './ledger.ts'
import type { Wording } from './message.ts'
import { logsOf, type Notice, readNotice } from './notice.ts'
import { pagerDutyChannel } from './pagerduty.ts'
import { type Post, poster } from './post.ts'
import { channelsFor } from './routes.ts'
import { slackChannel } from './slack.ts'
import { webhookChannel } from './webhook.ts'

export default defineExporter({
  type: 'notify',
  config,
  signals: { logs: 'alpha', metrics: 'alpha' },
  // Each channel has a queue and retries of its own: one that is down must not hold up the others.
  sending: { queue: false, retry: false, timeoutMs: 0 },
  create: (settings, context) => new Notifier(settings, context),
})

class Notifier {
  readonly #settings: Config
  readonly #context: Context
  readonly #ledger: Ledger
  readonly #wording: () => Wording
  readonly #deliveries = new Map<string, Delivery>()
  /** What is wrong with channels, by name. */
  readonly #problems = new Map<string, string>()
  #client: HttpClient | undefined
  #heartbeat: Heartbeat | undefined
  #isRunning = false

  constructor(settings: Config, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#ledger = new Ledger(context, settings.max_incidents)
    const time = new LocalTime(settings.time_zone)
    this.#wording = () => ({ time, link: settings.link, nowUnixNano: context.clock.nowUnixNano() })
  }

  async start(): Promise<void> {
    const { effects, clock, logger, engine, meter } = this.#context
    const { storage, heartbeat, tls, proxy_url } = this.#settings
    this.#isRunning = true
    if (effects === undefined) {
      logger.warn('Nothing is sent: this run may not act on the outside world.')
      return
    }
    if (storage !== undefined) await this.#ledger.open(storage)
    this.#client = effects.http({ ...httpClientKeys.parse({ compression: 'none' }), tls, proxy_url }, { clock, logger })
    const post = poster(this.#client, clock, userAgent(engine.build))
    for (const [name, channel] of Object.entries(this.#settings.channels)) {
      const made = this.#channel(channel as ChannelSettings, post)
      this.#deliveries.set(name, this.#delivery(name, channel as ChannelSettings, made))
    }
    for (const delivery of this.#deliveries.values()) await delivery.start()
    meter.gauge(
      'otelcol_exporter_notify_incidents',
      () => this.#ledger.size,
      {},
      'Incidents of which it is known what was told.',
    )
    meter.observedCounter(
      'otelcol_exporter_notify_forgotten_incidents',
      () => this.#ledger.forgotten,
      {},
      'Incidents that were forgotten for newer ones.',
    )
    if (heartbeat === undefined) return
    const stuckMs = () => Math.max(0, ...[...this.#deliveries.values()].map((one) => one.stuckMs(clock.nowMs())))
    this.#heartbeat = new Heartbeat(heartbeat, { context: this.#context, post, stuckMs })
    this.#heartbeat.start()
  }

  /** That something comes is all that they say here. */
  metrics(): void {
    this.#heartbeat?.see()
  }

  async logs(batch: Logs): Promise<void> {
    if (!this.#isRunning) throw new Error('the notify exporter does not run')
    this.#heartbeat?.see()
    let others = 0
    for (const record of batch) {
      const notice = readNotice(record)
      if (notice === undefined) others++
      else if (this.#context.effects === undefined) this.#context.dropped(1, 'no_effects', 'intended')
      else await this.#tell(notice, batch.origin)
    }
    if (others > 0) this.#context.dropped(others, 'no_notice', 'intended')
  }

  async save(): Promise<Uint8Array> {
    return this.#ledger.save()
  }

  async restore(state: Uint8Array): Promise<void> {
    this.#ledger.restore(state)
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#isRunning = false
    this.#heartbeat?.stop()
    this.#heartbeat = undefined
    await Promise.all([...this.#deliveries.values()].map((one) => one.shutdown(deadline)))
    this.#deliveries.clear()
    this.#client?.close()
    this.#client = undefined
    await this.#ledger.close()
  }

  /** Into the queue of each channel, or of none: what is refused comes again, and what was told is not told twice. */
  async #tell(notice: Notice, origin: Origin): Promise<void> {
    const names = this.#namesFor(notice)
    if (names.length === 0) return this.#context.dropped(1, 'no_route', 'intended')
    await this.#enqueue(names, logsOf(origin, [notice]))
  }

  async #enqueue(names: readonly string[], logs: Logs): Promise<void> {
    const reserved: Reservation[] = []
    try {
      for (const name of names) reserved.push((this.#deliveries.get(name) as Delivery).reserve(logs))
    } catch (error) {
      for (const one of reserved) one.release()
      throw error
    }
    const refused = (await Promise.allSettled(reserved.map((one) => one.commit()))).find(
      ({ status }) => status === 'rejected',
    )
    if (refused?.status === 'rejected') throw refused.reason
  }

  #namesFor({ kind, event }: Notice): readonly string[] {
    const { channels } = this.#settings
    const id = event.incident_id
    // Who was told of it hears how it goes on.
    const before = this.#ledger.channels(id).filter((name) => Object.hasOwn(channels, name))
    const isKnown = kind === 'diagnosis' && before.length > 0
    const names = [...new Set([...before, ...(isKnown ? [] : channelsFor(event, this.#settings))])]
    if (kind === 'incident') this.#ledger.route(id, event.title, names)
    return names.filter((name) => channels[name]?.events.includes(kind))
  }

  #channel(settings: ChannelSettings, post: Post): Channel {
    const { clock, logger, effects } = this.#context
    const { slack, pagerduty, email, webhook } = settings
    if (slack !== undefined) return slackChannel(slack, post, this.#wording)
    if (pagerduty !== undefined) return pagerDutyChannel(pagerduty, post, this.#wording)
    if (webhook !== undefined) return webhookChannel(webhook, post, clock, this.#wording)
    if (email !== undefined && effects !== undefined)
      return emailChannel(email, { effects, logger, wording: this.#wording })
    throw new Error('a channel of no kind')
  }

  #delivery(name: string, settings: ChannelSettings, channel: Channel): Delivery {
    const { fallback } = settings
    const tellFallback = async (logs: Logs) => {
      const other = this.#deliveries.get(fallback ?? '')
      if (other === undefined) throw new Rejected('the exporter is shutting down', { retryable: true })
      await other.reserve(logs).commit()
    }
    return new Delivery({
      name,
      settings,
      storage: this.#settings.storage,
      channel,
      context: this.#context,
      ledger: this.#ledger,
      fallback: fallback === undefined ? undefined : tellFallback,
      report: (problem) => this.#report(name, problem),
    })
  }

  #report(name: string, problem: string | undefined): void {
    if (problem === undefined) this.#problems.delete(name)
    else this.#problems.set(name, problem)
    const all = Array.from(this.#problems, ([channel, what]) => `the channel ${channel} does not take notices: ${what}`)
    if (all.length === 0) this.#context.status('ok')
    else this.#context.status('recoverable', all.join('; '))
  }
}
