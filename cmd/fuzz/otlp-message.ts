/** Random OTLP requests in protobuf, by our own schema, mostly valid and now and then strange in a way that damage at random seldom finds. */
import { type Field, parseField, request, schema } from '../../pipeline/data/schema.ts'
import type { Signal } from '../../pipeline/data/telemetry.ts'
import type { Random } from './random.ts'

interface Member extends Field {
  readonly number: number
}
const members = new Map<string, readonly Member[]>(
  Object.entries(schema).map(([name, fields]) => [
    name,
    Object.entries(fields).map(([number, text]) => ({ number: Number(number), ...parseField(text) })),
  ]),
)
/** What a request needs to hold an item at all. */
const backbone = /^(Resource|Scope)(Spans|Logs|Metrics|Profiles)$|^(Span|LogRecord|Metric|Profile|Sample)$|DataPoint$/
const texts = ['', 'a', 'service.name', 'http.route', 'GET /api', 'é€', '😀', '\ud83d', '\0', '"\\\n', '__proto__']
const badTexts = [[0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0xc0, 0x80]]
const encoded = texts.map((text) => [...Buffer.from(text)])
const longs: readonly (readonly number[])[] = [
  [0],
  [1],
  [2],
  [3],
  [127],
  [0x80, 1],
  [0xff, 0xff, 0xff, 0xff, 7],
  [0xff, 0xff, 0xff, 0xff, 15],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
  [0x80, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
]
const maxDepth = 12
const maxBytes = 1_500

export function otlpMessage(signal: Signal, random: Random): Uint8Array {
  const out: number[] = []
  message(request[signal], random, 0, out)
  return Uint8Array.from(out)
}

function message(name: string, random: Random, depth: number, out: number[]): void {
  const fields = members.get(name)!
  for (const field of fields) {
    const isWanted = backbone.test(field.kind) || (field.oneof === 'data' && random.oneIn(3))
    if (!isWanted && !random.oneIn(depth > 6 ? 4 : 3)) continue
    const isNested = members.has(field.kind)
    if (isNested && (depth >= maxDepth || out.length > maxBytes)) continue
    let times = field.repeated ? (isNested ? 1 + random.few(3) : random.few(4)) : 1
    if (!field.repeated && random.oneIn(40)) times = 2
    if (field.repeated && !isNested && (field.kind === 'varint' || field.kind === 'fixed64') && random.oneIn(2)) {
      packed(field, random, times, out)
      continue
    }
    for (; times > 0; times--) one(field, random, depth, out)
  }
  if (random.oneIn(30)) unknown(random, out)
}

function one(field: Member, random: Random, depth: number, out: number[]): void {
  const inner = members.get(field.kind)
  if (inner) {
    const bytes: number[] = []
    if (field.kind === 'AnyValue' && random.oneIn(60)) chain(random, bytes)
    else message(field.kind, random, depth + 1, bytes)
    lengthDelimited(field.number, bytes, out)
    return
  }
  switch (field.kind) {
    case 'string':
      lengthDelimited(field.number, random.oneIn(50) ? random.pick(badTexts) : random.pick(encoded), out)
      return
    case 'bytes':
      lengthDelimited(field.number, words(random, random.few(9)), out)
      return
    case 'id16':
      lengthDelimited(field.number, words(random, random.oneIn(3) ? 0 : 16), out)
      return
    case 'id8':
      lengthDelimited(field.number, words(random, random.oneIn(3) ? 0 : 8), out)
      return
    case 'fixed64':
      varint((field.number << 3) | 1, out)
      out.push(...eight(random))
      return
    case 'fixed32':
      varint((field.number << 3) | 5, out)
      out.push(...words(random, 4))
      return
    default:
      varint(field.number << 3, out)
      out.push(...random.pick(longs))
  }
}

function packed(field: Member, random: Random, times: number, out: number[]): void {
  const bytes: number[] = []
  for (; times > 0; times--) bytes.push(...(field.kind === 'varint' ? random.pick(longs) : eight(random)))
  lengthDelimited(field.number, bytes, out)
}

/** Values in values, around the limit of 100 messages. */
function chain(random: Random, out: number[]): void {
  let bytes: number[] = []
  for (let levels = random.below(130); levels > 0; levels--) {
    const around: number[] = []
    if (levels % 2 === 0) lengthDelimited(5, bytes, around)
    else lengthDelimited(1, bytes, around)
    bytes = around
  }
  out.push(...bytes)
}

function unknown(random: Random, out: number[]): void {
  const number = random.pick([19, 29, 31, 32, 99, 5_000, 536_870_911])
  const wire = random.pick([0, 1, 2, 5])
  varint(number * 8 + wire, out)
  if (wire === 0) out.push(...random.pick(longs))
  else if (wire === 2) {
    const bytes = words(random, random.few(12))
    varint(bytes.length, out)
    out.push(...bytes)
  } else out.push(...words(random, wire === 1 ? 8 : 4))
}

const doubles = [0, -0, 1, -1, 1.5, 1e300, 5e-324, Infinity, -Infinity, NaN, 2 ** 53, 1e21, 1e-7]
const eightBytes = new Uint8Array(8)
const eightView = new DataView(eightBytes.buffer)
function eight(random: Random): number[] {
  if (random.oneIn(3)) return words(random, 8)
  eightView.setFloat64(0, random.pick(doubles), true)
  return [...eightBytes]
}
function words(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.word() & 255)
}
function lengthDelimited(number: number, bytes: readonly number[], out: number[]): void {
  varint(number * 8 + 2, out)
  varint(bytes.length, out)
  for (let i = 0; i < bytes.length; i++) out.push(bytes[i]!)
}
function varint(value: number, out: number[]): void {
  let rest = value
  while (rest > 127) {
    out.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  out.push(rest)
}
