import { KnownServices } from '../../pipeline/capability/known-services.ts'
import type { Context, Lifecycle } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { HttpError } from '../../pipeline/net/http-body.ts'
import type { HttpAnswer, HttpRequest } from '../../pipeline/net/http-server.ts'
import { answerOf, jsonBody, type Webhook, WebhookListener } from '../../pipeline/net/webhook-listener.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import { type Anomaly, writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import { readNotified, readPosted } from './alertmanager.ts'
import { Book } from './book.ts'
import type { Config } from './config.ts'
import { anomalyOf, clearedOf } from './event.ts'
import type { ForeignAlert } from './foreign-alert.ts'
import { readGeneric } from './generic.ts'
import { type Meaning, meaningOf } from './meaning.ts'

const checkMs = 5_000
const plainText = { 'Content-Type': 'text/plain; charset=utf-8' }
const json = { 'Content-Type': 'application/json' }

export class AlertsReceiver implements Lifecycle {
  readonly #settings: Config
  readonly #context: Context
  readonly #services: KnownServices
  readonly #meaning: Meaning
  readonly #book: Book
  readonly #listener: WebhookListener
  readonly #alerts: Counter
  #stopTimer = () => {}
  #isExpiring = false
  /** Done when all that was asked for so far is. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(settings: Config, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#services = new KnownServices(settings, context.clock)
    this.#meaning = meaningOf(settings, this.#services)
    this.#book = new Book(settings.max_alerts)
    this.#listener = new WebhookListener(settings, context, this.#webhooks())
    this.#alerts = context.meter.counter(
      'otelcol_receiver_alerts_alerts',
      'Alerts by source and by what became of them: active, cleared, repeated, expired.',
    )
  }

  /** host:port, once started. */
  get address(): string | undefined {
    return this.#listener.address
  }

  async start(): Promise<void> {
    const { clock, meter } = this.#context
    this.#services.open(this.#context)
    await this.#listener.start()
    this.#stopTimer = clock.every(checkMs, () => this.#expireInOrder())
    meter.gauge('otelcol_receiver_alerts_active', () => this.#book.size, {}, 'Alerts that are active.')
    meter.observedCounter(
      'otelcol_receiver_alerts_forgotten',
      () => this.#book.forgotten,
      {},
      'Active alerts that were forgotten for newer ones: that they expire is not told.',
    )
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopTimer()
    await this.#listener.shutdown(deadline)
  }

  async save(): Promise<Uint8Array> {
    this.#stopTimer()
    return this.#book.save()
  }

  async restore(state: Uint8Array): Promise<void> {
    this.#book.restore(state)
  }

  adopt(previous: Lifecycle): boolean {
    return previous instanceof AlertsReceiver && this.#listener.adopt(previous.#listener)
  }

  #webhooks(): readonly Webhook[] {
    const { alertmanager, alertmanager_webhook, grafana, generic } = this.#settings
    const hook = (path: string, read: (body: unknown) => readonly ForeignAlert[]): Webhook => ({
      path,
      methods: ['POST'],
      take: async (request) => {
        const taken = await this.#take(read(await jsonBody(request)), originOf(request))
        return answerOf(200, `${taken} alerts`)
      },
    })
    const isAlive = async (): Promise<HttpAnswer> => ({ status: 200, headers: plainText, body: 'OK' })
    return [
      ...(alertmanager === undefined
        ? []
        : [
            {
              path: alertmanager.path,
              methods: ['POST'],
              take: (request: HttpRequest) => this.#takePosted(request, alertmanager.resolve_timeout),
            },
            ...['/-/healthy', '/-/ready'].map((path) => ({ path, methods: ['GET', 'HEAD'], take: isAlive })),
          ]),
      ...(alertmanager_webhook === undefined
        ? []
        : [hook(alertmanager_webhook.path, (body) => readNotified('alertmanager', body))]),
      ...(grafana === undefined ? [] : [hook(grafana.path, (body) => readNotified('grafana', body))]),
      ...generic.map((one) => hook(one.path, (body) => readGeneric(one, body))),
    ]
  }

  /** With Alertmanager's own answers. */
  async #takePosted(request: HttpRequest, resolveTimeoutMs: number): Promise<HttpAnswer> {
    let posted: ReturnType<typeof readPosted>
    try {
      posted = readPosted(await jsonBody(request), this.#context.clock.nowUnixNano(), resolveTimeoutMs)
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 400) throw error
      const message = `parsing alerts body from "" failed, because ${error.message}`
      return { status: 400, headers: json, body: JSON.stringify({ code: 400, message }) }
    }
    await this.#take(posted.alerts, originOf(request))
    if (posted.problems.length === 0) return { status: 200, headers: {}, body: '' }
    return {
      status: 400,
      headers: json,
      body: JSON.stringify(`errors in alerts: ${posted.problems.slice(0, 10).join('; ')}`),
    }
  }

  /** One after another, so that the end of an alert does not overtake its beginning. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => {}) // who asked hears it
    return mine
  }

  /** Throws `Rejected` where a pipeline refuses them; nothing is remembered of them then. */
  #take(given: readonly ForeignAlert[], origin: Origin): Promise<number> {
    const alerts = given.filter((one) => !this.#meaning.isIgnored(one))
    if (alerts.length < given.length) this.#context.dropped(given.length - alerts.length, 'ignored', 'intended')
    return this.#inOrder(() => this.#tell(alerts, origin))
  }

  async #tell(alerts: readonly ForeignAlert[], origin: Origin): Promise<number> {
    const nowNano = this.#context.clock.nowUnixNano()
    const said: { readonly alert: ForeignAlert; readonly anomaly: Anomaly }[] = []
    const repeated: typeof said = []
    for (const alert of alerts) {
      const before = this.#book.get(alert.fingerprint)
      const anomaly = anomalyOf(alert, {
        meaning: this.#meaning,
        entity: await this.#meaning.entity(alert),
        before,
        nowNano,
        uncertaintySeconds: this.#settings.onset_uncertainty / 1_000,
      })
      const isRepeated = anomaly.state === 'active' && before !== undefined && isSame(before, anomaly)
      ;(isRepeated ? repeated : said).push({ alert, anomaly })
    }
    await this.#emit(
      said.map(({ anomaly }) => anomaly),
      origin,
    )
    for (const { alert, anomaly } of [...said, ...repeated])
      this.#book.put(alert.fingerprint, anomaly, this.#expiryOf(alert))
    for (const { alert, anomaly } of said) this.#alerts.add(1, { source: alert.source, outcome: anomaly.state })
    for (const { alert } of repeated) this.#alerts.add(1, { source: alert.source, outcome: 'repeated' })
    return alerts.length
  }

  async #expireInOrder(): Promise<void> {
    if (this.#isExpiring) return
    this.#isExpiring = true
    try {
      await this.#inOrder(() => this.#expire())
    } finally {
      this.#isExpiring = false
    }
  }

  async #expire(): Promise<void> {
    const { clock } = this.#context
    const nowNano = clock.nowUnixNano()
    const over = this.#book
      .expired(Number(nowNano / 1_000_000n))
      .map(([fingerprint, anomaly]) => [fingerprint, clearedOf(anomaly, nowNano)] as const)
    if (over.length === 0) return
    try {
      await this.#emit(
        over.map(([, anomaly]) => anomaly),
        noOrigin,
      )
    } catch (error) {
      this.#context.logger.warn('The next component refused that alerts are over; it is said again.', {
        error,
        alerts: over.length,
      })
      return
    }
    for (const [fingerprint, anomaly] of over) {
      this.#book.put(fingerprint, anomaly, undefined)
      this.#alerts.add(1, { source: anomaly.foreign?.source ?? '', outcome: 'expired' })
    }
  }

  async #emit(anomalies: readonly Anomaly[], origin: Origin): Promise<void> {
    if (anomalies.length === 0) return
    const logs = eventLogs(origin, (builder) => {
      for (const anomaly of anomalies) writeAnomaly(builder, anomaly)
    })
    await this.#context.emit.logs(logs)
  }

  #expiryOf({ expiresNano }: ForeignAlert): number | undefined {
    if (expiresNano !== undefined) return Number(expiresNano / 1_000_000n)
    const { stale_after } = this.#settings
    return stale_after === 0 ? undefined : Number(this.#context.clock.nowUnixNano() / 1_000_000n) + stale_after
  }
}

const noOrigin: Origin = { transport: 'http', metadata: new Map() }

function originOf({ peer, metadata, auth }: HttpRequest): Origin {
  return {
    transport: 'http',
    metadata,
    ...(peer === '' ? {} : { address: peer }),
    ...(auth === undefined ? {} : { auth }),
  }
}

/** Whether it says nothing new. */
function isSame(before: Anomaly, now: Anomaly): boolean {
  return (
    before.severity === now.severity &&
    before.wakes === now.wakes &&
    before.type === now.type &&
    before.text === now.text
  )
}
