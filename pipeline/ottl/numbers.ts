/** Numbers in text, as Go's strconv reads them. */
import { int } from './values.ts'

const digitsOf = '0123456789abcdefghijklmnopqrstuvwxyz'

/** strconv.ParseInt into 64 bits; undefined for what is no such number. Base 0 goes by the prefix and allows underscores. */
export function parseIntText(text: string, base: number): number | bigint | undefined {
  const match = /^([-+]?)(.+)$/s.exec(text)
  if (match === null) return undefined
  let digits = match[2]!.toLowerCase()
  let radix = base
  if (base === 0) {
    if (!hasProperUnderscores(digits)) return undefined
    const prefix = /^0([box]?)/.exec(digits)
    radix = prefix === null || digits === '0' ? 10 : prefix[1] === 'b' ? 2 : prefix[1] === 'x' ? 16 : 8
    if (radix !== 10) digits = digits.slice(prefix![0].length)
    digits = digits.replaceAll('_', '')
  }
  if (digits === '') return undefined
  let value = 0n
  for (const digit of digits) {
    const n = digitsOf.indexOf(digit)
    if (n < 0 || n >= radix) return undefined
    value = value * BigInt(radix) + BigInt(n)
    if (value > 2n ** 63n) return undefined
  }
  const signed = match[1] === '-' ? -value : value
  return BigInt.asIntN(64, signed) === signed ? int(signed) : undefined
}

/** Between digits, or between the prefix and a digit. */
function hasProperUnderscores(digits: string): boolean {
  if (!digits.includes('_')) return true
  return /^(?:0[box]_?)?[0-9a-f]+(?:_[0-9a-f]+)*$/.test(digits)
}

const decimal = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i
const hexadecimal = /^([-+]?)0x([0-9a-f]*)\.?([0-9a-f]*)p([-+]?\d+)$/i

/** strconv.ParseFloat; undefined for what is no number. */
export function parseFloatText(text: string): number | undefined {
  if (decimal.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : undefined
  }
  const special = /^([-+]?)(?:(inf(?:inity)?)|nan)$/i.exec(text)
  if (special !== null) {
    return special[2] === undefined
      ? Number.NaN
      : special[1] === '-'
        ? Number.NEGATIVE_INFINITY
        : Number.POSITIVE_INFINITY
  }
  const hex = hexadecimal.exec(text)
  if (hex === null || hex[2]! + hex[3]! === '' || hex[2]!.length + hex[3]!.length > 256) return undefined
  const mantissa = Number(BigInt(`0x${hex[2]!}${hex[3]!}`))
  const value = mantissa * 2 ** (Number(hex[4]) - hex[3]!.length * 4)
  return Number.isFinite(value) ? (hex[1] === '-' ? -value : value) : undefined
}
