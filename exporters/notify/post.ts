/** JSON to a service over HTTP, and what its status means. Errors name the host only: paths and headers hold secrets. */
import { type Clock, Rejected } from '../../pipeline/component.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import type { HttpClient } from '../../pipeline/net/http-client.ts'
import { withHost } from '../../pipeline/net/http-client-keys.ts'
import { retryAfterMs } from '../../pipeline/net/retry-after.ts'

export interface Answered {
  readonly status: number
  readonly body: string
  readonly retryAfterMs: number | undefined
}
export type Post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  json: unknown,
  signal: AbortSignal,
) => Promise<Answered>

const maxQuoted = 200

/** Any status is an answer; throws `Rejected` when there is none. */
export function poster(client: HttpClient, clock: Clock, userAgent: string): Post {
  return async (url, headers, json, signal) => {
    const place = new URL(withHost(url))
    const chunks = [Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))]
    const all = { 'content-type': 'application/json; charset=utf-8', 'user-agent': userAgent, ...headers }
    try {
      const answer = await client.post({ url: place, headers: all, chunks, signal })
      const body = Buffer.from(answer.body).toString('utf8')
      return { status: answer.status, body, retryAfterMs: retryAfterMs(answer.headers, clock) }
    } catch (error) {
      if (error instanceof Rejected) throw error
      // With the cause the URL of the request would be in the log.
      throw new Rejected(`no answer from ${place.host}: ${errorMessage(error)}`, { retryable: true })
    }
  }
}

/** Throws `Rejected` for whatever is not 2xx. */
export function expectOk(who: string, { status, body, retryAfterMs: waitMs }: Answered): void {
  if (status >= 200 && status <= 299) return
  const retryable = status === 408 || status === 425 || status === 429 || status >= 500
  throw new Rejected(`${who} answered ${status}${quoted(body)}`, {
    retryable,
    ...(retryable && waitMs !== undefined ? { retryAfterMs: waitMs } : {}),
  })
}

export function quoted(body: string): string {
  const text = body.replaceAll(/\s+/g, ' ').trim()
  return text === '' ? '' : `: ${text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text}`
}
