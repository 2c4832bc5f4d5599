/** Converters between types, and questions about them. */
import { parseFloatText, parseIntText } from '../numbers.ts'
import { fail } from '../problems.ts'
import {
  float,
  type Id,
  type Kind,
  kindOf,
  type Opaque,
  type OttlMap,
  type OttlValue,
  toNumber,
  typeName,
} from '../values.ts'
import { any, bytesLike, fractionLike, listOf, text, textLike, whole, wholeLike } from './params.ts'
import { converter } from './signature.ts'

function isKind(name: string, kind: Kind) {
  return converter(
    name,
    { value: any },
    ({ value }) =>
      (frame) =>
        kindOf(value(frame)) === kind,
  )
}

const trueTexts = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const falseTexts = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

function toBool(value: OttlValue): boolean | null {
  switch (kindOf(value)) {
    case 'bool':
      return value as boolean
    case 'int':
    case 'double':
      return toNumber(value) !== 0
    case 'string':
      return trueTexts.has(value as string) ? true : falseTexts.has(value as string) ? false : null
    default:
      return null
  }
}

function isEmpty(value: OttlValue): boolean {
  switch (kindOf(value)) {
    case 'nil':
      return true
    case 'string':
    case 'bytes':
    case 'list':
      return (value as string | Uint8Array | readonly OttlValue[]).length === 0
    case 'map':
      return Object.keys(value as OttlMap).length === 0
    case 'bool':
      return value === false
    case 'int':
    case 'double':
      return toNumber(value) === 0
    case 'id':
      return (value as Id).onWire === ''
    case 'duration':
      return (value as { readonly nanos: bigint }).nanos === 0n
    default:
      return false
  }
}

function lengthOf(value: OttlValue): number {
  switch (kindOf(value)) {
    case 'string':
      return Buffer.byteLength(value as string)
    case 'bytes':
    case 'list':
      return (value as Uint8Array | readonly OttlValue[]).length
    case 'map':
      return Object.keys(value as OttlMap).length
    case 'opaque': {
      const { content } = value as Opaque
      if (Array.isArray(content)) return content.length
      break
    }
    default:
  }
  fail(
    `target arg must be of type string, []any, pcommon.Map, pcommon.Slice or pcommon.Value of type String, Map, Slice, not ${typeName(value)}`,
  )
}

/** Digits from the right, every second one doubled. */
function isLuhn(digits: string): boolean {
  if (!/^\d*$/.test(digits)) return false
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2
  }
  return sum % 10 === 0
}

export const typeFunctions = [
  isKind('IsBool', 'bool'),
  isKind('IsDouble', 'double'),
  isKind('IsInt', 'int'),
  isKind('IsList', 'list'),
  isKind('IsMap', 'map'),
  isKind('IsString', 'string'),
  converter(
    'IsEmpty',
    { value: any },
    ({ value }) =>
      (frame) =>
        isEmpty(value(frame)),
  ),
  converter(
    'Bool',
    { value: any },
    ({ value }) =>
      (frame) =>
        toBool(value(frame)),
  ),
  converter('Double', { value: any }, ({ value }) => (frame) => {
    const of = value(frame)
    switch (kindOf(of)) {
      case 'int':
      case 'double':
        return float(toNumber(of))
      case 'bool':
        return float(of === true ? 1 : 0)
      case 'string': {
        const number = parseFloatText(of as string)
        return number === undefined ? null : float(number)
      }
      default:
        return null
    }
  }),
  converter(
    'Int',
    { value: wholeLike },
    ({ value }) =>
      (frame) =>
        value(frame),
  ),
  converter(
    'String',
    { value: textLike },
    ({ value }) =>
      (frame) =>
        value(frame),
  ),
  converter(
    'Len',
    { target: any },
    ({ target }) =>
      (frame) =>
        lengthOf(target(frame)),
  ),
  converter('Coalesce', { values: listOf(any) }, ({ values }) => {
    if (values.length === 0) fail('at least one value is required')
    return (frame) => {
      for (const get of values) {
        const value = get(frame)
        if (value !== null) return value
      }
      return null
    }
  }),
  converter('Hex', { value: bytesLike }, ({ value }) => (frame) => {
    const bytes = value(frame)
    return bytes === null ? '' : Buffer.from(bytes).toString('hex')
  }),
  converter('Log', { target: fractionLike }, ({ target }) => (frame) => {
    const number = target(frame)
    if (number === null) fail('could not get float64 from the nil value')
    if (number <= 0) fail('the logarithm of a number that is not positive is undefined')
    return float(Math.log(number))
  }),
  converter('IsValidLuhn', { value: textLike }, ({ value }) => (frame) => {
    const digits = value(frame)
    if (digits === null) fail('invalid value type for IsValidLuhn: nil')
    return isLuhn(digits)
  }),
  converter('ParseInt', { target: text, base: whole }, ({ target, base }) => (frame) => {
    const digits = target(frame)
    const radix = Number(base(frame))
    if (digits === '') fail('invalid target value for ParseInt function, target cannot be empty')
    if (radix < 0) fail(`invalid base value: ${radix} for ParseInt function, base cannot be negative`)
    if (radix === 1 || radix > 36) fail(`could not parse target ${JSON.stringify(digits)}: invalid base ${radix}`)
    return (
      parseIntText(digits, radix) ??
      fail(`could not parse target ${JSON.stringify(digits)} as an int64 of base ${radix}`)
    )
  }),
] as const
