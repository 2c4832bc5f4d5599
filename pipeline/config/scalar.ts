/** What go.yaml.in/yaml v3 makes of a plain scalar: YAML 1.2 plus octal `0123`, `0b`, `0o`, `_` in numbers; `yes` and `on` stay strings. */
import type { Double } from '../data/telemetry.ts'
import { double } from '../data/value.ts'
import type { Scalar } from './tree.ts'

const named: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ['', null],
  ...['~', 'null', 'Null', 'NULL'].map((t): [string, Scalar] => [t, null]),
  ...['true', 'True', 'TRUE'].map((t): [string, Scalar] => [t, true]),
  ...['false', 'False', 'FALSE'].map((t): [string, Scalar] => [t, false]),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((t): [string, Scalar] => [t, Number.POSITIVE_INFINITY]),
  ...['-.inf', '-.Inf', '-.INF'].map((t): [string, Scalar] => [t, Number.NEGATIVE_INFINITY]),
  ...['.nan', '.NaN', '.NAN'].map((t): [string, Scalar] => [t, Number.NaN]),
])
const decimal = /^[-+]?(?:0|[1-9][0-9]*)$/
const octal = /^([-+]?)0o?([0-7]+)$/
const hexOrBinary = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+)$/
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/

export function resolvePlain(text: string): Scalar {
  const known = named.get(text)
  if (known !== undefined) return known
  if (!/^[-+.0-9]/.test(text)) return text
  const digits = text.replaceAll('_', '')
  if (decimal.test(digits)) return Number(digits)
  const inEights = octal.exec(digits)
  if (inEights) return sign(inEights[1]) * Number.parseInt(inEights[2] ?? '', 8)
  const inBits = hexOrBinary.exec(digits)
  if (inBits) return sign(inBits[1]) * Number(inBits[2])
  // Go takes `_` in integers only.
  return float.test(text) ? Number(text) : text
}

/** What `resolvePlain` loses of a number: that it is a double, or an integer's last digits. */
export function exactNumber(text: string, value: Scalar): Double | bigint | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined
  const digits = text.replaceAll('_', '')
  if (!decimal.test(digits)) return octal.test(digits) || hexOrBinary.test(digits) ? undefined : double(value)
  if (Number.isSafeInteger(value)) return undefined
  const exact = BigInt(digits.replace(/^\+/, ''))
  // Go's decoder makes a float of what no 64 bits hold.
  return BigInt.asIntN(64, exact) === exact ? exact : double(value)
}

function sign(text: string | undefined): number {
  return text === '-' ? -1 : 1
}

/** With an explicit tag; undefined = the tag does not fit the text. */
export function resolveTagged(tag: string, text: string): Scalar | undefined {
  switch (tag) {
    case 'tag:yaml.org,2002:str':
    case '!':
      return text
    case 'tag:yaml.org,2002:binary':
      return Buffer.from(text, 'base64').toString()
    case 'tag:yaml.org,2002:null':
      return resolvePlain(text) === null ? null : undefined
    case 'tag:yaml.org,2002:int':
    case 'tag:yaml.org,2002:float': {
      const value = resolvePlain(text)
      return typeof value === 'number' ? value : undefined
    }
    case 'tag:yaml.org,2002:bool': {
      if (/^(?:y|Y|yes|Yes|YES|on|On|ON)$/.test(text)) return true
      if (/^(?:n|N|no|No|NO|off|Off|OFF)$/.test(text)) return false
      const value = resolvePlain(text)
      return typeof value === 'boolean' ? value : undefined
    }
    default:
      return resolvePlain(text)
  }
}
