/** The server's side: reads `Authorization: Basic` and looks the user up. Texts are upstream's. */
import { readFileSync } from 'node:fs'
import { type AuthData, type ServerAuthenticator, Unauthenticated } from '../../pipeline/capability/authentication.ts'
import type { Context, Lifecycle } from '../../pipeline/component.ts'
import { watchFile } from '../../pipeline/net/watched-file.ts'
import type { ServerSettings } from './config.ts'
import { parseHtpasswd } from './htpasswd.ts'
import { Users } from './users.ts'

export class BasicAuthServer implements ServerAuthenticator, Lifecycle {
  readonly #settings: ServerSettings
  readonly #context: Pick<Context, 'clock' | 'logger'>
  readonly users = new Users()
  #stop = () => {}

  constructor(settings: ServerSettings, context: Pick<Context, 'clock' | 'logger'>) {
    if (settings.file === '' && settings.inline === '') throw new Error('no credential source provided')
    this.#settings = settings
    this.#context = context
  }

  async start(): Promise<void> {
    const { clock, logger } = this.#context
    const { file: path } = this.#settings
    if (path === '') return this.#use('')
    try {
      readFileSync(path)
    } catch (cause) {
      throw new Error(`open htpasswd file: ${(cause as Error).message}`, { cause })
    }
    this.#stop = watchFile({ path, clock, logger, onContent: (content) => this.#use(content) })
  }

  async shutdown(): Promise<void> {
    this.#stop()
  }

  authenticate(headerOf: (name: string) => readonly string[] | undefined): AuthData | Promise<AuthData> {
    const [header = ''] = headerOf('authorization') ?? []
    if (header === '') throw new Unauthenticated('no basic auth provided')
    const { username, password, raw } = parseBasic(header)
    const known = this.users.isKnown(username, password)
    const answer = (isKnown: boolean): AuthData => {
      if (!isKnown) throw new Unauthenticated('invalid credentials')
      return { username, raw }
    }
    return typeof known === 'boolean' ? answer(known) : known.then(answer)
  }

  /** The inline users come last, so that they go before those of the file. */
  #use(content: string): void {
    const { file, inline } = this.#settings
    const parsed = parseHtpasswd(`${content}\n${inline}`)
    if (parsed.badLines.length > 0)
      this.#context.logger.warn('Lines of htpasswd cannot be used, and let nobody in.', {
        file,
        lines: parsed.badLines.length,
        first: parsed.badLines[0],
      })
    this.users.replace(parsed)
  }
}

function parseBasic(header: string): { username: string; password: string; raw: string } {
  if (!/^basic /i.test(header)) throw new Unauthenticated('invalid authorization scheme prefix')
  const raw = header.slice('Basic '.length)
  // Go's decoder takes the standard alphabet with its padding, and line breaks.
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(raw.replace(/[\r\n]/g, ''))
  const decoded = isBase64 ? Buffer.from(raw, 'base64').toString() : ''
  const colon = decoded.indexOf(':')
  if (colon < 0) throw new Unauthenticated('invalid authorization format')
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1), raw }
}
