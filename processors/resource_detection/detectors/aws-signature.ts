/** AWS Signature Version 4 of a POST, as in the AWS General Reference. */
import { createHash, createHmac } from 'node:crypto'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}
export interface SignedPost {
  readonly url: URL
  readonly region: string
  readonly service: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly time: Date
}

/** The headers to send, the signature among them. */
export function signPost(post: SignedPost, credentials: Credentials): Record<string, string> {
  const stamp = post.time.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const headers: Record<string, string> = { ...post.headers, host: post.url.host, 'x-amz-date': stamp }
  if (credentials.sessionToken !== '') headers['x-amz-security-token'] = credentials.sessionToken
  const names = Object.keys(headers).sort()
  const signedNames = names.join(';')
  const canonical = [
    'POST',
    post.url.pathname,
    post.url.search.slice(1),
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    '',
    signedNames,
    sha256(post.body),
  ].join('\n')
  const day = stamp.slice(0, 8)
  const scope = `${day}/${post.region}/${post.service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n')
  const key = [day, post.region, post.service, 'aws4_request'].reduce<Buffer | string>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  )
  const signature = hmac(key, text).toString('hex')
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`,
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
