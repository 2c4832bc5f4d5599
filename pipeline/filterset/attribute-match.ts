/** Whether attributes are there, and are what they should be. */
import { isDeepStrictEqual } from 'node:util'
import type { Attributes, Value, ValueType } from '../data/telemetry.ts'
import { isDouble, key } from '../data/value.ts'
import { formatFloat, kindOf } from '../ottl/values.ts'
import { type TextSetSettings, textSet, unrecognizedMatchType } from './text-set.ts'

export type AttributesTest = (attributes: Attributes) => boolean

export interface WantedAttribute {
  readonly key: string
  readonly value?: Value | undefined
}

/** All of them must be there. Throws what is wrong in upstream's words. */
export function attributesTest(wanted: readonly WantedAttribute[], settings: TextSetSettings): AttributesTest {
  const tests = wanted.map((one) => attributeTest(one, settings))
  const [only, ...others] = tests
  if (only !== undefined && others.length === 0) return only
  return (attributes) => tests.every((test) => test(attributes))
}

function attributeTest({ key: name, value }: WantedAttribute, settings: TextSetSettings): AttributesTest {
  if (name === '') throw new Error("can't have empty key in the list of attributes")
  const prepared = key(name)
  if (value === undefined) return (attributes) => attributes.has(prepared)
  const { match_type } = settings
  if (match_type === 'regexp') {
    if (typeof value !== 'string')
      throw new Error(`match_type=regexp for "${name}" only supports Str, but found ${goTypes[typeOf(value)]}`)
    const test = textSet([value], settings)
    return (attributes) => {
      const text = simpleText(attributes.get(prepared))
      return text !== undefined && test(text)
    }
  }
  if (match_type !== 'strict') throw new Error(unrecognizedMatchType(match_type))
  // Doubles compare as numbers: NaN is never equal, and 0 equals -0.
  if (isDouble(value)) {
    const wanted = value.double
    return (attributes) => {
      const found = attributes.get(prepared)
      return isDouble(found) && found.double === wanted
    }
  }
  if (typeof value === 'object') return (attributes) => isDeepStrictEqual(attributes.get(prepared), value)
  return (attributes) => attributes.get(prepared) === value
}

/** Undefined for what is absent and for what has no simple text. */
function simpleText(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (isDouble(value)) return formatFloat(value.double)
  return typeof value === 'number' ? formatFloat(value) : undefined
}

const goTypes: Readonly<Record<ValueType, string>> = {
  empty: 'Empty',
  string: 'Str',
  bool: 'Bool',
  int: 'Int',
  double: 'Double',
  bytes: 'Bytes',
  array: 'Slice',
  map: 'Map',
}
function typeOf(value: Value): ValueType {
  const kind = kindOf(value)
  if (kind === 'nil') return 'empty'
  return kind === 'list' ? 'array' : (kind as ValueType)
}
