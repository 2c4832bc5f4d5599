/** The client's side: puts `Authorization: Basic` on each request. */
import type { ClientAuthenticator, OutgoingHeaders } from '../../pipeline/capability/authentication.ts'
import type { Context, Lifecycle } from '../../pipeline/component.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { watchFile } from '../../pipeline/net/watched-file.ts'
import type { ClientSettings } from './config.ts'

export class BasicAuthClient implements ClientAuthenticator, Lifecycle {
  readonly needsTls = true
  readonly #settings: ClientSettings
  readonly #context: Pick<Context, 'clock' | 'logger'>
  readonly #stops: (() => void)[] = []
  #username: string
  #password: string
  #header = ''

  constructor(settings: ClientSettings, context: Pick<Context, 'clock' | 'logger'>) {
    this.#settings = settings
    this.#context = context
    this.#username = settings.username
    this.#password = settings.password
  }

  async start(): Promise<void> {
    const { username_file, password_file } = this.#settings
    this.#watch(username_file, (text) => {
      // It would be read as the beginning of the password.
      if (text.includes(':')) throw new Error('a user name cannot contain a colon')
      this.#username = text
    })
    this.#watch(password_file, (text) => {
      this.#password = text
    })
    if (this.#username.includes(':'))
      throw new Error('invalid authorization format: a user name cannot contain a colon')
    this.#compose()
  }

  async shutdown(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop()
  }

  authorize(headers: OutgoingHeaders): void {
    headers.set('authorization', this.#header)
  }

  #watch(path: string, use: (text: string) => void): void {
    if (path === '') return
    const { clock, logger } = this.#context
    const onContent = (content: string) => {
      const text = content.trim()
      if (text === '') throw new Error(`credentials file ${JSON.stringify(path)} is empty`)
      use(text)
      this.#compose()
    }
    try {
      this.#stops.push(watchFile({ path, clock, logger, onContent }))
    } catch (cause) {
      const why = errorMessage(cause)
      throw new Error(`failed to read credentials file ${JSON.stringify(path)}: ${why}`, { cause })
    }
  }

  #compose(): void {
    this.#header = `Basic ${Buffer.from(`${this.#username}:${this.#password}`).toString('base64')}`
  }
}
