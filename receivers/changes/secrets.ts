/** Whether a sender knows the secret. All comparisons take the same time wherever the texts differ. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { HttpError } from '../../pipeline/net/http-body.ts'
import type { HttpRequest } from '../../pipeline/net/http-server.ts'

/** GitHub's `X-Hub-Signature-256`: HMAC over the body as it came. Throws `HttpError` 401. */
export function requireSignature({ headers }: HttpRequest, body: Uint8Array, secret: string): void {
  const given = headers['x-hub-signature-256']
  if (typeof given !== 'string')
    throw new HttpError(401, 'there is no X-Hub-Signature-256; set the secret of the webhook')
  const expected = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  if (!isSame(given, expected)) throw new HttpError(401, 'X-Hub-Signature-256 is not of this body and our secret')
}

/** GitLab's `X-Gitlab-Token`. Throws `HttpError` 401. */
export function requireGitlabToken({ headers }: HttpRequest, token: string): void {
  const given = headers['x-gitlab-token']
  if (typeof given !== 'string')
    throw new HttpError(401, 'there is no X-Gitlab-Token; set the secret token of the webhook')
  if (!isSame(given, token)) throw new HttpError(401, 'X-Gitlab-Token is not ours')
}

/** `Authorization: Bearer`; an empty token lets all in. Throws `HttpError` 401. */
export function requireBearer({ headers }: HttpRequest, token: string): void {
  if (token === '') return
  const [, given] = /^Bearer +(.+)$/i.exec(headers.authorization ?? '') ?? []
  if (given === undefined) throw new HttpError(401, 'there is no Authorization: Bearer with a token')
  if (!isSame(given.trim(), token)) throw new HttpError(401, 'the bearer token is not ours')
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
