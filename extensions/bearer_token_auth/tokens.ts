/** The tokens in force: configured, or read from a file that may come later and change. */
import { existsSync } from 'node:fs'
import type { Context } from '../../pipeline/component.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { watchFile } from '../../pipeline/net/watched-file.ts'
import type { Config } from './config.ts'

type TokenContext = Pick<Context, 'clock' | 'logger' | 'status' | 'signal'>

export class Tokens {
  readonly #config: Config
  readonly #context: TokenContext
  readonly #use: (tokens: readonly string[]) => void
  #stop = () => {}

  /** `use` is called with the tokens, and again whenever they change. */
  constructor(config: Config, context: TokenContext, use: (tokens: readonly string[]) => void) {
    this.#config = config
    this.#context = context
    this.#use = use
  }

  /** Throws when the file cannot be read and nobody said that it may come later. */
  async start(): Promise<void> {
    const { tokens, token, filename, retry_on_failure, wait_for_token_file } = this.#config
    // Upstream's order: `tokens`, else the file, else `token`.
    if (tokens.length > 0) return this.#use(tokens)
    if (filename === '') return this.#use([token])
    if (token !== '') this.#context.logger.warn('A filename is specified: the configured token is ignored.')
    if (!retry_on_failure.enabled) return this.#watch()
    if (wait_for_token_file) return this.#waitForFile()
    this.#waitForFile().catch((error: unknown) => {
      this.#context.logger.error('Could not read the token file.', { error })
      this.#context.status('permanent', errorMessage(error))
    })
  }

  close(): void {
    this.#stop()
  }

  #watch(): void {
    const { filename: path } = this.#config
    const { clock, logger } = this.#context
    try {
      this.#stop = watchFile({ path, clock, logger, onContent: (content) => this.#use(parse(path, content)) })
    } catch (cause) {
      const why = errorMessage(cause)
      throw new Error(`failed to read credentials file ${JSON.stringify(path)}: ${why}`, { cause })
    }
  }

  async #waitForFile(): Promise<void> {
    const { filename, retry_on_failure: retry } = this.#config
    const { clock, logger, signal } = this.#context
    for (let attempt = 1; !existsSync(filename); attempt++) {
      if (retry.max_retries !== 0 && attempt > retry.max_retries)
        throw new Error(
          `failed to read credentials file ${JSON.stringify(filename)} after reaching out max number of retries`,
        )
      logger.warn('Retrying to read the credentials file.', { file: filename, attempt, of: retry.max_retries })
      await new Promise<void>((resolve) => {
        const cancel = clock.after(retry.interval, resolve)
        this.#stop = () => {
          cancel()
          resolve()
        }
        signal.addEventListener('abort', this.#stop, { once: true })
      })
      if (signal.aborted) return
    }
    this.#watch()
  }
}

/** The first word of each line; what follows it is a comment. */
function parse(path: string, content: string): readonly string[] {
  const tokens = content.split('\n').flatMap((line) => line.trim().split(/\s+/, 1).filter(Boolean))
  if (tokens.length === 0) throw new Error(`credentials file ${JSON.stringify(path)} is empty`)
  return tokens
}
