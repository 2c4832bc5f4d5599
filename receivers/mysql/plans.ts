/** The plans of statements, without values; top queries and samples of one statement share them. */
import { createHash } from 'node:crypto'
import { ExpiringCache } from '../../pipeline/scraping/expiring-cache.ts'
import type { Logger } from '../../pipeline/telemetry/logger.ts'
import { isExplainable, planText } from './statement-text.ts'

export interface Explained {
  readonly digest: string
  readonly digestText: string
  /** With its values. */
  readonly statement: string
  readonly schema: string
}
export interface Plan {
  /** Empty where there is none. */
  readonly text: string
  readonly hash: string
}

export class Plans {
  readonly #explain: (statement: string, schema: string, signal: AbortSignal) => Promise<string>
  readonly #logger: Logger
  /** An empty text where it could not be explained, so that it is not tried at each collection. */
  readonly #known: ExpiringCache<string>

  constructor(
    explain: (statement: string, schema: string, signal: AbortSignal) => Promise<string>,
    logger: Logger,
    cache: { readonly size: number; readonly ttlMs: number; readonly nowMs: () => number },
  ) {
    this.#explain = explain
    this.#logger = logger
    this.#known = new ExpiringCache(cache.size, cache.ttlMs, cache.nowMs)
  }

  /** `isDigestKey`: other servers than new ones of MySQL do not have the same digest everywhere. */
  async of(explained: Explained, isDigestKey: boolean, signal: AbortSignal): Promise<Plan> {
    const { digest, digestText, statement, schema } = explained
    if (digest === '' || statement === '') return { text: '', hash: '' }
    const hash = isDigestKey ? digest : createHash('sha256').update(digestText).digest('hex')
    const key = `${schema}-${hash}`
    let text = this.#known.get(key)
    if (text === undefined) {
      text = await this.#planOf(explained, signal)
      this.#known.set(key, text)
    }
    return { text, hash: text === '' ? '' : hash }
  }

  async #planOf({ digest, digestText, statement, schema }: Explained, signal: AbortSignal): Promise<string> {
    // The server cuts long statements.
    if (statement.endsWith('...') || !isExplainable(digestText) || !isExplainable(statement)) return ''
    try {
      const json = await this.#explain(statement, schema, signal)
      return json === '' ? '' : planText(json)
    } catch (error) {
      signal.throwIfAborted()
      // Tables that are gone and rights that the user has not are not worth a line each.
      this.#logger.debug('A statement was not explained.', { digest, error: String(error) })
      return ''
    }
  }
}
