/** Cookies as RFC 6265 has them, for balancers that know a client by one. Each goes back to the host that set it, and to no other. */
const maxCookies = 64
const maxLength = 4_096

interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  readonly path: string
  readonly isSecure: boolean
  readonly expiresAtMs: number
}

export class CookieJar {
  /** By host, path and name; the oldest goes when there are too many. */
  readonly #cookies = new Map<string, Cookie>()

  /** `lines` are the `Set-Cookie` headers of an answer from `url`. */
  store(url: URL, lines: readonly string[], nowMs: number): void {
    for (const line of lines) {
      const cookie = line.length > maxLength ? undefined : parse(url, line, nowMs)
      if (cookie === undefined) continue
      const key = [cookie.host, cookie.path, cookie.name].join(' ')
      this.#cookies.delete(key)
      if (cookie.expiresAtMs <= nowMs) continue
      this.#cookies.set(key, cookie)
      const [oldest] = this.#cookies.keys()
      if (this.#cookies.size > maxCookies && oldest !== undefined) this.#cookies.delete(oldest)
    }
  }

  /** The `Cookie` header of a request to `url`; the most special path first. */
  header(url: URL, nowMs: number): string | undefined {
    const fitting = [...this.#cookies.values()].filter(
      ({ host, path, isSecure, expiresAtMs }) =>
        host === url.hostname &&
        isInside(url.pathname, path) &&
        (!isSecure || url.protocol === 'https:') &&
        expiresAtMs > nowMs,
    )
    if (fitting.length === 0) return undefined
    const sorted = fitting.sort((a, b) => b.path.length - a.path.length)
    return sorted.map(({ name, value }) => `${name}=${value}`).join('; ')
  }
}

function parse(url: URL, line: string, nowMs: number): Cookie | undefined {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
  const equals = pair.indexOf('=')
  if (equals <= 0) return undefined
  const named = new Map(attributes.map(attribute))
  const domain = named.get('domain')?.replace(/^\./, '').toLowerCase()
  if (domain && url.hostname !== domain && !url.hostname.endsWith(`.${domain}`)) return undefined
  const path = named.get('path') ?? ''
  return {
    name: pair.slice(0, equals).trim(),
    value: pair.slice(equals + 1).trim(),
    host: url.hostname,
    path: path.startsWith('/') ? path : url.pathname.slice(0, Math.max(1, url.pathname.lastIndexOf('/'))),
    isSecure: named.has('secure'),
    expiresAtMs: expiry(named.get('max-age'), named.get('expires'), nowMs),
  }
}

function attribute(text: string): readonly [name: string, value: string] {
  const equals = text.indexOf('=')
  if (equals < 0) return [text.toLowerCase(), '']
  return [text.slice(0, equals).trim().toLowerCase(), text.slice(equals + 1).trim()]
}

/** Without either it lives as long as the client. */
function expiry(maxAge: string | undefined, expires: string | undefined, nowMs: number): number {
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return nowMs + Number(maxAge) * 1_000
  const at = expires === undefined ? Number.NaN : Date.parse(expires)
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
