/** ParseCLF: lines of the NCSA common log format, and of the combined one that Apache and nginx write. */
import type { Value } from '../../../pipeline/data/telemetry.ts'
import { text } from '../../../pipeline/ottl/functions/params.ts'
import { converter, optional } from '../../../pipeline/ottl/functions/signature.ts'
import { parseIntText } from '../../../pipeline/ottl/numbers.ts'
import { fail } from '../../../pipeline/ottl/problems.ts'
import { checked, textLiteral } from './arguments.ts'

const quoted = String.raw`"((?:[^"\\]|\\[^\n])*)"`
const head = String.raw`^([^\t\n\f\r ]+) ([^\t\n\f\r ]+) ([^\t\n\f\r ]+) \[([^\]]+)\] ${quoted} ([^\t\n\f\r ]+) ([^\t\n\f\r ]+)`
const formats = { clf: new RegExp(`${head}$`, 'u'), combined: new RegExp(`${head} ${quoted} ${quoted}$`, 'u') }
type Format = keyof typeof formats

const formatLiteral = checked(
  textLiteral,
  (name): name is Format => Object.hasOwn(formats, name),
  (name) => `invalid format "${name}": must be "clf" or "combined"`,
)

export const parseClf = converter(
  'ParseCLF',
  { target: text, format: optional(formatLiteral) },
  ({ target, format = 'clf' }) =>
    (frame) => {
      const line = target(frame)
      if (line === '') fail('cannot parse empty CLF message')
      return parseLine(line.trim(), format)
    },
)

function parseLine(line: string, format: Format): { readonly [key: string]: Value } {
  const found = formats[format].exec(line)
  if (found === null) fail(`invalid CLF message: does not match expected "${format}" format`)
  const [, host, identity, user, time, rawRequest, status, bytes, referer, agent] = found as unknown as string[]
  const request = unescaped(rawRequest!)
  const fields: Record<string, Value> = {
    'clf.remote_host': host!,
    'clf.rfc931': identity!,
    'clf.auth_user': user!,
    'clf.timestamp': time!,
    'clf.request': request,
  }
  const [method, uri, protocol] = cut(request)
  if (protocol !== undefined)
    Object.assign(fields, { 'clf.method': method, 'clf.request_uri': uri, 'clf.protocol': protocol })
  fields['clf.status'] = parseIntText(status!, 10) ?? fail(`invalid status code "${status}"`)
  if (bytes !== '-') fields['clf.bytes'] = parseIntText(bytes!, 10) ?? fail(`invalid bytes value "${bytes}"`)
  if (format === 'combined') {
    fields['clf.referer'] = unescaped(referer!)
    fields['clf.user_agent'] = unescaped(agent!)
  }
  return fields
}

/** In three at the first two spaces; the third part may hold more of them. */
function cut(request: string): readonly string[] {
  const one = request.indexOf(' ')
  const two = one < 0 ? -1 : request.indexOf(' ', one + 1)
  return two < 0 ? [] : [request.slice(0, one), request.slice(one + 1, two), request.slice(two + 1)]
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v' }

/** `\x41` is a byte; together they may be UTF-8. What is no escape stays as it is. */
function unescaped(field: string): string {
  if (!field.includes('\\')) return field
  const parts: Uint8Array[] = []
  const pattern = /\\(?:x([0-9a-fA-F]{2})|(.))|[^\\]+|\\$/gsu
  for (const [all, hex, letter] of field.matchAll(pattern)) {
    if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)))
    else if (letter === undefined) parts.push(Buffer.from(all))
    else parts.push(Buffer.from(letter === '\\' || letter === '"' ? letter : (escapes[letter] ?? all)))
  }
  return Buffer.concat(parts).toString()
}
