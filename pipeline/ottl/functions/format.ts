/** Go's fmt.Sprintf for the values that statements have. */
import { Duration, type Time } from '../time.ts'
import { formatTime } from '../time-text.ts'
import {
  compareText,
  formatFloat,
  type Id,
  type Kind,
  kindOf,
  type OttlMap,
  type OttlValue,
  toNumber,
  typeName,
} from '../values.ts'

const maxWidth = 10_000

export function sprintf(format: string, args: readonly OttlValue[]): string {
  let result = ''
  let next = 0
  let reordered = false
  let at = 0
  for (const match of format.matchAll(/%([-+# 0]*)(?:\[(\d+)\])?(\*|\d+)?(?:\.(\*|\d+)?)?(?:\[(\d+)\])?(.)?/gsu)) {
    if (match.index < at) continue
    result += format.slice(at, match.index)
    at = match.index + match[0].length
    const [all, flags = '', first, widthText, precisionText, second, verb] = match
    if (verb === undefined) {
      result += '%!(NOVERB)'
      continue
    }
    if (verb === '%') {
      result += '%'
      continue
    }
    if (first !== undefined || second !== undefined) {
      next = Number(second ?? first) - 1
      reordered = true
    }
    const width =
      widthText === '*' ? toNumber(args[next++] ?? 0) : widthText === undefined ? undefined : Number(widthText)
    const hasPoint = /\./.test(all.slice(0, -verb.length))
    const precision =
      precisionText === '*'
        ? toNumber(args[next++] ?? 0)
        : precisionText === undefined
          ? hasPoint
            ? 0
            : undefined
          : Number(precisionText)
    if ((width ?? 0) > maxWidth || (precision ?? 0) > maxWidth) {
      result += '%!(BADWIDTH)'
      continue
    }
    if (next >= args.length) {
      result += `%!${verb}(${reordered ? 'BADINDEX' : 'MISSING'})`
      continue
    }
    result += one(verb, flags, width, precision, args[next++]!)
  }
  result += format.slice(at)
  if (!reordered && next < args.length) {
    const extra = args.slice(next).map((arg) => (arg === null ? '<nil>' : `${goType(arg)}=${plain(arg)}`))
    result += `%!(EXTRA ${extra.join(', ')})`
  }
  return result
}

function goType(value: OttlValue): string {
  const name = typeName(value)
  return name === 'pcommon.Slice' ? '[]interface {}' : name === 'pcommon.Map' ? 'map[string]interface {}' : name
}

const ownVerbs: Readonly<Partial<Record<Kind, string>>> = { int: 'd', double: 'g', string: 's', bool: 't' }

function one(
  verb: string,
  flags: string,
  width: number | undefined,
  precision: number | undefined,
  value: OttlValue,
): string {
  const body = bodyOf(verb, flags, precision, value)
  if (body === undefined) {
    if (value === null) return `%!${verb}(<nil>)`
    // A verb that does not fit shows the value, with the width and flags it was asked for.
    return `%!${verb}(${goType(value)}=${one(ownVerbs[kindOf(value)] ?? 'v', flags, width, precision, value)})`
  }
  const length = Array.from(body).length
  if (width === undefined || length >= width) return body
  if (flags.includes('-')) return body + ' '.repeat(width - length)
  const kind = kindOf(value)
  if (flags.includes('0') && (kind === 'int' ? precision === undefined : true) && !/Inf|NaN/.test(body)) {
    const sign = kind === 'int' || kind === 'double' ? (/^[-+ ]/.exec(body)?.[0] ?? '') : ''
    return sign + '0'.repeat(width - length) + body.slice(sign.length)
  }
  return ' '.repeat(width - length) + body
}

function bodyOf(verb: string, flags: string, precision: number | undefined, value: OttlValue): string | undefined {
  if (verb === 'T') return value === null ? '<nil>' : goType(value)
  const kind = kindOf(value)
  if (verb === 'v') {
    // With %v the plus asks for field names, which nothing here has.
    if (kind === 'double') return signed(shortest(toNumber(value)), flags.replaceAll('+', ''))
    if (kind === 'int') return ofInt('d', flags.replaceAll('+', ''), precision, BigInt(value as number | bigint))
    if (flags.includes('#') && kind === 'string') return JSON.stringify(value)
    return plain(value)
  }
  switch (kind) {
    case 'int':
      return ofInt(verb, flags, precision, BigInt(value as number | bigint))
    case 'double':
      return ofFloat(verb, flags, precision, toNumber(value))
    case 'string':
      return ofText(verb, flags, precision, value as string)
    case 'bool':
      return verb === 't' ? String(value as boolean) : undefined
    case 'bytes':
      if (verb === 'x') return Buffer.from(value as Uint8Array).toString('hex')
      if (verb === 'X')
        return Buffer.from(value as Uint8Array)
          .toString('hex')
          .toUpperCase()
      return verb === 's' ? Buffer.from(value as Uint8Array).toString() : undefined
    case 'list':
      return `[${(value as readonly OttlValue[]).map((item) => one(verb, flags, undefined, precision, item)).join(' ')}]`
    case 'map':
      return `map[${entries(value as OttlMap)
        .map(([key, item]) => `${key}:${one(verb, flags, undefined, precision, item)}`)
        .join(' ')}]`
    case 'time':
    case 'duration':
    case 'id':
      return verb === 's' ? plain(value) : verb === 'd' && value instanceof Duration ? String(value.nanos) : undefined
    default:
      return undefined
  }
}

function signed(text: string, flags: string): string {
  return text.startsWith('-') || text.startsWith('+')
    ? text
    : flags.includes('+')
      ? `+${text}`
      : flags.includes(' ')
        ? ` ${text}`
        : text
}

function ofInt(verb: string, flags: string, precision: number | undefined, value: bigint): string | undefined {
  const magnitude = value < 0n ? -value : value
  const base = { d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }[verb]
  if (base === undefined) {
    if (verb === 'c') return value >= 0n && value <= 0x10_ffffn ? String.fromCodePoint(Number(value)) : '\ufffd'
    if (verb === 'q')
      return value >= 0n && value <= 0x10_ffffn ? `'${String.fromCodePoint(Number(value))}'` : `'\ufffd'`
    return verb === 'U' ? `U+${magnitude.toString(16).toUpperCase().padStart(4, '0')}` : undefined
  }
  const digits = magnitude.toString(base).padStart(precision ?? 0, '0')
  const prefix = verb === 'O' ? '0o' : flags.includes('#') ? ({ b: '0b', o: '0', x: '0x', X: '0X' }[verb] ?? '') : ''
  return signed((value < 0n ? '-' : '') + prefix + (verb === 'X' ? digits.toUpperCase() : digits), flags)
}

function ofFloat(verb: string, flags: string, precision: number | undefined, value: number): string | undefined {
  if (!/^[eEfFgG]$/.test(verb)) return undefined
  if (!Number.isFinite(value)) return signed(formatFloat(value), flags)
  const exponent = (text: string) => text.replace(/e([-+])(\d)$/, 'e$10$2')
  let text: string
  switch (verb.toLowerCase()) {
    case 'e':
      text = exponent(value.toExponential(Math.min(precision ?? 6, 100)))
      break
    case 'f':
      text =
        Math.abs(value) < 1e21
          ? value.toFixed(Math.min(precision ?? 6, 100))
          : `${formatFloat(value)}.${'0'.repeat(precision ?? 6)}`
      break
    default:
      text = precision === undefined ? shortest(value) : general(value, precision)
  }
  if (Object.is(value, -0) && !text.startsWith('-')) text = `-${text}`
  return signed(/[EG]/.test(verb) ? text.toUpperCase() : text, flags)
}

/** As %g and %v: the fewest digits, with an exponent below -4 and from 6 on. */
function shortest(value: number): string {
  if (!Number.isFinite(value)) return formatFloat(value)
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa, power] = value.toExponential().split('e') as [string, string]
  const n = Number(power)
  if (n >= -4 && n < 6) return formatFloat(value)
  return `${mantissa}e${n < 0 ? '-' : '+'}${String(Math.abs(n)).padStart(2, '0')}`
}

function general(value: number, precision: number): string {
  const digits = Math.min(Math.max(precision, 1), 100)
  const [mantissa, power] = value.toExponential(digits - 1).split('e') as [string, string]
  const n = Number(power)
  const trim = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)
  if (n < -4 || n >= digits) return `${trim(mantissa)}e${n < 0 ? '-' : '+'}${String(Math.abs(n)).padStart(2, '0')}`
  return trim(value.toFixed(Math.max(0, digits - 1 - n)))
}

function ofText(verb: string, flags: string, precision: number | undefined, value: string): string | undefined {
  const cut = precision === undefined ? value : Array.from(value).slice(0, precision).join('')
  if (verb === 's') return cut
  if (verb === 'q') return flags.includes('#') && !cut.includes('`') ? `\`${cut}\`` : JSON.stringify(cut)
  if (verb === 'x') return Buffer.from(cut).toString('hex')
  return verb === 'X' ? Buffer.from(cut).toString('hex').toUpperCase() : undefined
}

function entries(map: OttlMap): [string, OttlValue][] {
  return Object.entries(map).sort(([a], [b]) => compareText(a, b))
}

/** As %v. */
function plain(value: OttlValue): string {
  switch (kindOf(value)) {
    case 'nil':
      return '<nil>'
    case 'double':
      return shortest(toNumber(value))
    case 'bytes':
      return `[${[...(value as Uint8Array)].join(' ')}]`
    case 'list':
      return `[${(value as readonly OttlValue[]).map(plain).join(' ')}]`
    case 'map':
      return `map[${entries(value as OttlMap)
        .map(([key, item]) => `${key}:${plain(item)}`)
        .join(' ')}]`
    case 'time':
      return formatTime(value as Time, 'go')
    case 'id':
      return (value as Id).hex
    case 'opaque':
      return `{${typeName(value)}}`
    default:
      return String(value as string | boolean | number | bigint | Duration)
  }
}
