/** An URL taken apart as Go's net/url does, by RFC 3986: nothing is normalised. */
import { fail } from '../problems.ts'
import type { OttlMap, OttlValue } from '../values.ts'

export function parseUrl(text: string): OttlMap {
  if (text === '') fail('url cannot be empty')
  const wrong = (why: string): never => fail(`parse ${JSON.stringify(text)}: ${why}`)
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (/[\u0000-\u001f\u007f]/.test(text)) wrong('net/url: invalid control character in URL')
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text)
  if (parts === null || (parts[1] === undefined && parts[2] === undefined && /^[^/]*:/.test(text))) {
    wrong(text.startsWith(':') ? 'missing protocol scheme' : 'first path segment in URL cannot contain colon')
  }
  const [, scheme = '', authority, rawPath = '', query, rawFragment] = parts!
  const decode = (of: string, what: string): string => {
    if (/%(?![0-9A-Fa-f]{2})/.test(of)) wrong(`invalid URL escape in ${what}`)
    return unescapeText(of)
  }
  const path = decode(rawPath, 'the path')
  const url: { [key: string]: OttlValue } = {
    'url.original': text,
    'url.domain': '',
    'url.scheme': scheme.toLowerCase(),
    'url.path': authority === undefined && scheme !== '' && !rawPath.startsWith('/') ? '' : path,
  }
  if (authority !== undefined) {
    const at = authority.lastIndexOf('@')
    const host = authority.slice(at + 1)
    const match = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host)
    if (match === null) wrong(`invalid port ${JSON.stringify(host.slice(host.indexOf(':')))} after host`)
    url['url.domain'] = decode(match![1]!.replace(/^\[|\]$/g, ''), 'the host')
    if ((match![2] ?? '') !== '') url['url.port'] = Number(match![2])
    if (at >= 0) {
      const user = authority.slice(0, at)
      const colon = user.indexOf(':')
      const name = decode(colon < 0 ? user : user.slice(0, colon), 'the user name')
      url['url.user_info'] = user
      if (name !== '') url['url.username'] = name
      if (colon >= 0) url['url.password'] = decode(user.slice(colon + 1), 'the password')
    }
  }
  const fragment = decode(rawFragment ?? '', 'the fragment')
  if (fragment !== '') url['url.fragment'] = fragment
  if ((query ?? '') !== '') url['url.query'] = query!
  const dot = path.lastIndexOf('.')
  if (dot >= 0 && dot < path.length - 1) url['url.extension'] = path.slice(dot + 1)
  return url
}

/** Runs of escapes are UTF-8. */
function unescapeText(text: string): string {
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString())
}
