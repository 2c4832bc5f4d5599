import { KnownServices } from '../../pipeline/capability/known-services.ts'
import type { Context, Lifecycle } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { HttpError } from '../../pipeline/net/http-body.ts'
import type { HttpRequest } from '../../pipeline/net/http-server.ts'
import { answerOf, parseJson, type Webhook, WebhookListener } from '../../pipeline/net/webhook-listener.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import { type Change, writeChange } from '../../pipeline/vocabulary/change.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import { readArgoCd } from './argo-cd.ts'
import { Book } from './book.ts'
import type { Config } from './config.ts'
import { changeOf, theSystem } from './event.ts'
import { readFlags } from './flags.ts'
import { readGeneric } from './generic.ts'
import { readGithub } from './github.ts'
import { readGitlab } from './gitlab.ts'
import { readNote } from './note.ts'
import { requireBearer, requireGitlabToken, requireSignature } from './secrets.ts'
import type { ToldChange } from './told-change.ts'

/** The same words without an id or a time are the same change for so long: a sender tries again within it. */
const repeatMs = 60_000

type Read = (body: unknown) => readonly (ToldChange | undefined)[]

export class ChangesReceiver implements Lifecycle {
  readonly #context: Context
  readonly #services: KnownServices
  readonly #book: Book
  readonly #listener: WebhookListener
  readonly #changes: Counter
  /** Done when all that was posted so far is. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(settings: Config, context: Context) {
    this.#context = context
    this.#services = new KnownServices(settings, context.clock)
    this.#book = new Book(settings.max_remembered)
    this.#listener = new WebhookListener(settings, context, this.#webhooks(settings))
    this.#changes = context.meter.counter(
      'otelcol_receiver_changes_changes',
      'Changes by source and by what became of them: told, repeated.',
    )
  }

  /** host:port, once started. */
  get address(): string | undefined {
    return this.#listener.address
  }

  async start(): Promise<void> {
    this.#services.open(this.#context)
    await this.#listener.start()
    this.#context.meter.gauge(
      'otelcol_receiver_changes_remembered',
      () => this.#book.size,
      {},
      'Changes of which it is known that they were told.',
    )
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#listener.shutdown(deadline)
  }

  async save(): Promise<Uint8Array> {
    return this.#book.save()
  }

  async restore(state: Uint8Array): Promise<void> {
    this.#book.restore(state)
  }

  adopt(previous: Lifecycle): boolean {
    return previous instanceof ChangesReceiver && this.#listener.adopt(previous.#listener)
  }

  #webhooks({ note, argo_cd, flags, github, gitlab, generic }: Config): readonly Webhook[] {
    const open = (settings: { readonly path: string; readonly token: string } | undefined, read: Read) =>
      settings === undefined
        ? []
        : [this.#webhook(settings.path, (request) => requireBearer(request, settings.token), read)]
    return [
      ...open(note, (body) => [readNote(body)]),
      ...open(argo_cd, (body) => [readArgoCd(body)]),
      ...open(flags, readFlags),
      ...(github === undefined ? [] : [this.#github(github)]),
      ...(gitlab === undefined
        ? []
        : [
            this.#webhook(
              gitlab.path,
              (request) => requireGitlabToken(request, gitlab.token),
              (body) => [readGitlab(body)],
            ),
          ]),
      ...generic.flatMap((one) => open(one, (body) => readGeneric(one, body))),
    ]
  }

  /** Who may not come in is sent away before the body is read. */
  #webhook(path: string, admit: (request: HttpRequest) => void, read: Read): Webhook {
    return {
      path,
      methods: ['POST'],
      take: async (request) => {
        admit(request)
        return this.#take(read(parseJson(await request.body())), originOf(request))
      },
    }
  }

  #github({ path, secret }: NonNullable<Config['github']>): Webhook {
    return {
      path,
      methods: ['POST'],
      take: async (request) => {
        const body = await request.body()
        requireSignature(request, body, secret)
        const event = request.headers['x-github-event']
        if (typeof event !== 'string') throw new HttpError(400, 'there is no X-GitHub-Event')
        if (event === 'ping') return answerOf(200, 'pong')
        if (!/json/i.test(request.headers['content-type'] ?? 'json'))
          throw new HttpError(415, 'the webhook sends no JSON; set its content type to application/json')
        return this.#take([readGithub(event, parseJson(body))], originOf(request))
      },
    }
  }

  /** One after another, so that a redelivery cannot come between. Throws `Rejected` where a pipeline refuses; nothing is remembered then. */
  #take(read: readonly (ToldChange | undefined)[], origin: Origin) {
    const mine = this.#last.then(() => this.#tell(read, origin))
    this.#last = mine.catch(() => {}) // who posted it hears it
    return mine
  }

  async #tell(read: readonly (ToldChange | undefined)[], origin: Origin) {
    const given = read.filter((one) => one !== undefined)
    if (given.length < read.length) this.#context.dropped(read.length - given.length, 'no_change', 'intended')
    const nowNano = this.#context.clock.nowUnixNano()
    const nowMs = Number(nowNano / 1_000_000n)
    const news = new Map<string, ToldChange>()
    for (const one of given) {
      const key = JSON.stringify([one.source, ...one.key])
      const toldAt = this.#book.toldAt(key)
      const isRepeated = news.has(key) || (toldAt !== undefined && (!one.isUnnumbered || nowMs - toldAt < repeatMs))
      if (isRepeated) this.#changes.add(1, { source: one.source, outcome: 'repeated' })
      else news.set(key, one)
    }
    const changes: Change[] = []
    for (const one of news.values()) changes.push(changeOf(one, await this.#entityOf(one), nowNano))
    if (changes.length > 0)
      await this.#context.emit.logs(
        eventLogs(origin, (builder) => {
          for (const change of changes) writeChange(builder, change)
        }),
      )
    for (const [key, { source }] of news) {
      this.#book.put(key, nowMs)
      this.#changes.add(1, { source, outcome: 'told' })
    }
    if (given.length === 0) return answerOf(200, 'nothing of it is a change')
    return answerOf(200, `${changes.length} changes told, ${given.length - changes.length} known already`)
  }

  async #entityOf({ name, isService, environment }: ToldChange) {
    return (await this.#services.find([name], { environment }, isService ? 'service' : 'external')) ?? theSystem
  }
}

function originOf({ peer, metadata, auth }: HttpRequest): Origin {
  return {
    transport: 'http',
    metadata,
    ...(peer === '' ? {} : { address: peer }),
    ...(auth === undefined ? {} : { auth }),
  }
}
