/** What makes two records the same one. */
import { identityOf as attributesIdentity, valueText } from '../../pipeline/data/identity.ts'
import type { LogRecord, Value } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { cursor, skip, uvarint } from '../../pipeline/data/wire.ts'
import { type Field, parseField, readField, without } from './fields.ts'

export type IdentityOf = (record: LogRecord) => string

/** Equal texts = the same record. Decided once by the settings. */
export function identityOf(includeFields: readonly string[], excludeFields: readonly string[]): IdentityOf {
  const included = includeFields.map(parseField)
  const whole = wholeIdentity(excludeFields.map(parseField))
  if (included.length === 0) return whole
  return (record) => {
    let isThere = false
    const parts = included.map((field) => {
      const value = readField(record, field)
      if (value === undefined) return '-'
      isThere = true
      return JSON.stringify(comparable(value))
    })
    return isThere ? parts.join() : whole(record)
  }
}

/** As upstream, which compares these as text: 1 equals "1". */
function comparable(value: Value): string {
  return typeof value === 'object' && value !== null ? valueText(value) : asText(value)
}

function wholeIdentity(excluded: readonly Field[]): IdentityOf {
  const rest = ({ severityNumber, severityText }: LogRecord) => `${severityNumber} ${JSON.stringify(severityText)}`
  if (excluded.length === 0)
    return (record) => `${attributesIdentity(record.attributes)}|${valueText(record.body)}${rest(record)}`
  const ofBody = excluded.filter(({ root }) => root === 'body')
  const ofAttributes = excluded.filter(({ root }) => root === 'attributes')
  return (record) => {
    const body = ofBody.reduce((value: Value, { keys }) => without(value, keys), record.body)
    return `${attributesWithout(record, ofAttributes)}|${valueText(body)}${rest(record)}`
  }
}

function attributesWithout({ attributes }: LogRecord, fields: readonly Field[]): string {
  const left: [string, Value][] = []
  for (const [key, value] of attributes.entries()) {
    let smaller: Value | undefined = value
    for (const { keys } of fields) {
      const [first, ...rest] = keys
      if (first !== undefined && first !== key) continue
      if (rest.length === 0) {
        smaller = undefined
        break
      }
      smaller = without(smaller, rest)
    }
    if (smaller !== undefined) left.push([key, smaller])
  }
  return left
    .map(([key, value]) => `${key.length}:${key}${valueText(value)}`)
    .sort()
    .join('')
}

const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice: (this: Uint8Array, start: number, end: number) => string
}

/** The fields that can matter, as they stand on the wire: severity, body and attributes. What a sender repeats is found by them, without decoding. */
export function rawIdentity({
  b,
  start,
  end,
}: {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
}) {
  let text = ''
  let from = -1
  for (let p = start; p < end; ) {
    const at = p
    const tag = uvarint(b, p)
    p = skip(b, cursor, tag & 7)
    if (tag === 50 || tag === 42 || tag === 26 || tag === 16) {
      if (from < 0) from = at
    } else if (from >= 0) {
      text += latin1Slice.call(b, from, at)
      from = -1
    }
  }
  return from < 0 ? text : text + latin1Slice.call(b, from, end)
}
