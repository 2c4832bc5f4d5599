/** ParseCEF and ParseLEEF: the event formats of ArcSight and QRadar, with or without a syslog header before them. */

import { text } from '../../../pipeline/ottl/functions/params.ts'
import { converter } from '../../../pipeline/ottl/functions/signature.ts'
import { fail } from '../../../pipeline/ottl/problems.ts'
import { define, type OttlMap, type OttlValue } from '../../../pipeline/ottl/values.ts'

export const eventFormats = [
  converter(
    'ParseCEF',
    { target: text },
    ({ target }) =>
      (frame) =>
        parseCef(target(frame)),
  ),
  converter(
    'ParseLEEF',
    { target: text },
    ({ target }) =>
      (frame) =>
        parseLeef(target(frame)),
  ),
]

/** What stands from `marker` on. */
function from(message: string, format: string): string {
  if (message === '') fail(`cannot parse empty ${format} message`)
  const at = message.indexOf(`${format}:`)
  return at < 0 ? fail(`invalid ${format} message: '${format}:' not found`) : message.slice(at)
}

const cefFields = 7

function parseCef(message: string): OttlMap {
  const fields = cefHeader(from(message, 'CEF'))
  const version = fields[0]!.slice('CEF:'.length)
  if (version === '') fail('invalid CEF message: missing version')
  const [vendor, product, productVersion, eventClass, name, severity] = fields
    .slice(1, cefFields)
    .map((field) => field.replaceAll(/\\([|\\])/g, '$1'))
  return {
    'cef.version': version,
    'cef.device_vendor': vendor!,
    'cef.device_product': product!,
    'cef.device_version': productVersion!,
    'cef.device_event_class_id': eventClass!,
    'cef.name': name!,
    'cef.severity': severity!,
    'cef.extensions': cefExtensions(fields[cefFields] ?? ''),
  }
}

/** Cut at pipes that no backslash stands before; after seven fields comes the extension, as it is. */
function cefHeader(message: string): string[] {
  const fields: string[] = []
  let start = 0
  for (let i = 0; i < message.length && fields.length < cefFields; i++) {
    if (message[i] === '\\' && (message[i + 1] === '|' || message[i + 1] === '\\')) i++
    else if (message[i] === '|') {
      fields.push(message.slice(start, i))
      start = i + 1
    }
  }
  fields.push(message.slice(start))
  if (fields.length < cefFields) {
    fail(
      `invalid CEF header: expected at least ${cefFields} pipe-delimited fields (CEF:Version, Device Vendor, Device Product, Device Version, Device Event Class ID, Name, Severity), got ${fields.length}`,
    )
  }
  return fields
}

const cefEscapes: Readonly<Record<string, string>> = { '\\': '\\', '=': '=', n: '\n', r: '\r' }

/** `key=value key2=value with spaces`: a value ends where the next key begins. */
function cefExtensions(extension: string): OttlMap {
  const extensions: { [key: string]: OttlValue } = {}
  const keys = Array.from(extension.matchAll(/(?<=^| )(\w+)=/g))
  for (const [i, { index, 0: all, 1: key }] of keys.entries()) {
    const value = withoutTrailingSpaces(extension.slice(index + all.length, keys[i + 1]?.index))
    define(
      extensions,
      key!,
      value.replaceAll(/\\([\\=nr])/g, (_, escaped: string) => cefEscapes[escaped]!),
    )
  }
  return extensions
}

/** A regex for this takes quadratic time. */
function withoutTrailingSpaces(value: string): string {
  let end = value.length
  while (value[end - 1] === ' ') end--
  return value.slice(0, end)
}

function parseLeef(message: string): OttlMap {
  const leef = from(message, 'LEEF')
  const end = leef.indexOf('|')
  if (end < 0) fail('invalid LEEF message: missing pipe delimiter in header')
  const version = leef.slice('LEEF:'.length, end)
  if (version !== '1.0' && version !== '2.0') fail(`unsupported LEEF version: ${version} (supported: 1.0, 2.0)`)
  const rest = leef.slice(end + 1)
  const [vendor, product, productVersion, eventId, ...others] = rest.split('|')
  if (eventId === undefined) {
    const found = rest.split('|').length
    fail(`invalid LEEF ${version} header: expected at least 4 fields (vendor, product, version, eventID), got ${found}`)
  }
  const { delimiter, attributes } = leefAttributes(version, others)
  return {
    'leef.version': version,
    'leef.vendor': vendor!,
    'leef.product.name': product!,
    'leef.product.version': productVersion!,
    'leef.event.id': eventId,
    'leef.attributes': leefPairs(attributes, delimiter),
  }
}

/** Version 2 may name its delimiter in a field of its own; one with an `=` is the first attribute already. */
function leefAttributes(version: string, fields: readonly string[]): { delimiter: string; attributes: string } {
  const [first = '', ...rest] = fields
  if (version === '1.0' || fields.length === 0 || first.includes('=')) {
    return { delimiter: '\t', attributes: fields.join('|') }
  }
  return { delimiter: leefDelimiter(first), attributes: rest.join('|') }
}

function leefDelimiter(spec: string): string {
  if (spec === '') return '\t'
  const wrong = 'invalid LEEF 2.0 delimiter: '
  if (/^0x/i.test(spec)) {
    const digits = spec.slice(2)
    if (digits === '') fail(`${wrong}empty hex value`)
    if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) fail(`${wrong}invalid hex delimiter "${spec}"`)
    const bytes = digits.length / 2
    if (bytes !== 1) fail(`${wrong}hex delimiter must decode to a single byte, got ${bytes} bytes`)
    return String.fromCharCode(Number.parseInt(digits, 16))
  }
  if (Buffer.byteLength(spec) !== 1) {
    fail(`${wrong}delimiter must be a single character or 0x-prefixed hex value, got "${spec}"`)
  }
  return spec
}

function leefPairs(attributes: string, delimiter: string): OttlMap {
  const pairs: { [key: string]: OttlValue } = {}
  for (const pair of attributes.split(delimiter)) {
    const at = pair.indexOf('=')
    if (at > 0) define(pairs, pair.slice(0, at), pair.slice(at + 1))
  }
  return pairs
}
