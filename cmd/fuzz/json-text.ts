/** Random OTLP requests in JSON, by our own schema, in every spelling that readers meet. */
import { type Field, kind, type Message, requests } from '../../pipeline/data/json/schema.ts'
import type { Signal } from '../../pipeline/data/telemetry.ts'
import type { Random } from './random.ts'

const spaces = ['', '', '', ' ', '\n', '\t ', '\r\n']
const texts = [
  '""',
  '"a"',
  '"service.name"',
  '"é€😀"',
  '"\\u0061\\n\\t\\"\\\\\\/\\b\\f\\r"',
  '"\\ud83d\\ude00"',
  '"\\ud83d"',
  '"\\udc00x"',
  '"\\u0000"',
  '"__proto__"',
]
const wholes = [
  '0',
  '1',
  '-1',
  '"7"',
  '"-0"',
  '127',
  '4294967295',
  '"4294967296"',
  '2147483648',
  '9223372036854775807',
  '"-9223372036854775808"',
  '"18446744073709551615"',
  '18446744073709551616',
  '1e3',
  '"1e3"',
  '1.0',
  '1.5',
  '01',
  '-',
  '" 1"',
]
const reals = [
  '0',
  '-0',
  '1.5',
  '"NaN"',
  '"Infinity"',
  '"-Infinity"',
  '1e308',
  '1e400',
  '"1.5e3"',
  '5e-324',
  '1E+2',
  '.5',
  '1.',
]
const blobs = ['""', '"AQID/w=="', '"AQID_w"', '"A"', '"=="', '"A\\nQID"', '"!!"']
const others = [
  'null',
  '{}',
  '[]',
  'true',
  '[[[]]]',
  '{"a":{"b":[1,{"c":null}]}}',
  '"x"',
  '7',
  'nul',
  '[1,]',
  '{"a":1,}',
]
const backbone = /^(Resource|Scope)(Spans|Logs|Metrics|Profiles)$|^(Span|LogRecord|Metric|Profile|Sample)$|DataPoint$/
const maxDepth = 12
const maxChars = 3_000

export function otlpJson(signal: Signal, random: Random): string {
  const out: string[] = []
  new Writer(random, out).message(requests[signal], 0)
  return out.join('')
}

class Writer {
  readonly #random: Random
  readonly #out: string[]
  #chars = 0

  constructor(random: Random, out: string[]) {
    this.#random = random
    this.#out = out
  }

  message(message: Message, depth: number): void {
    const random = this.#random
    let isFirst = true
    this.#put('{')
    for (const field of message.fields) {
      const isWanted = field.message !== undefined && backbone.test(field.message.name)
      if (!isWanted && !random.oneIn(depth > 6 ? 5 : 3)) continue
      if (field.message !== undefined && (depth >= maxDepth || this.#chars > maxChars)) continue
      for (let times = random.oneIn(40) ? 2 : 1; times > 0; times--) {
        if (!isFirst) this.#put(',')
        isFirst = false
        this.#name(field.name)
        this.#value(field, depth)
      }
    }
    if (random.oneIn(20)) {
      if (!isFirst) this.#put(',')
      this.#name(random.pick(['new', '', '__proto__', 'resource_spans', 'constructor']))
      this.#put(random.pick(others))
    }
    this.#put('}')
  }

  #name(name: string): void {
    const random = this.#random
    let text = name
    if (random.oneIn(4)) text = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    if (random.oneIn(30)) text = text.replace(/^./, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    this.#put(`"${text}"${random.pick(spaces)}:${random.pick(spaces)}`)
  }

  #value(field: Field, depth: number): void {
    const random = this.#random
    if (random.oneIn(60)) {
      this.#put(random.pick(others))
      return
    }
    if (!field.repeated) {
      this.#one(field, depth)
      return
    }
    this.#put('[')
    for (let times = random.few(4), i = 0; i < times; i++) {
      if (i > 0) this.#put(`,${random.pick(spaces)}`)
      this.#one(field, depth)
    }
    this.#put(']')
  }

  #one(field: Field, depth: number): void {
    const random = this.#random
    if (field.message !== undefined) {
      if (field.message.recursive && random.oneIn(80)) {
        this.#chain()
        return
      }
      this.message(field.message, depth + 1)
      return
    }
    switch (field.kind) {
      case kind.string:
        this.#put(random.pick(texts))
        return
      case kind.bool:
        this.#put(random.pick(['true', 'false']))
        return
      case kind.double:
        this.#put(random.pick(reals))
        return
      case kind.bytes:
        this.#put(random.pick(blobs))
        return
      case kind.id: {
        const digits = random
          .pick(['', '0', 'aB', '9'])
          .repeat(field.sizeBytes * 2)
          .slice(0, field.sizeBytes * 2)
        this.#put(`"${random.oneIn(40) ? digits.slice(1) : digits}"`)
        return
      }
      case kind.enumeration: {
        const [name = ''] = [...(field.values?.keys() ?? [])].slice(-1)
        this.#put(random.pick(['0', '1', '77', '"no such"', `"${name}"`, `"${name}"`, '-1']))
        return
      }
      default:
        this.#put(random.oneIn(4) ? random.pick(wholes) : random.pick(['1', '"12"', '0', '77']))
        return
    }
  }

  /** Values in values, around the limit. */
  #chain(): void {
    const levels = this.#random.below(120)
    this.#put('{"arrayValue":{"values":['.repeat(levels))
    this.#put('{"intValue":1}')
    this.#put(']}}'.repeat(levels))
  }

  #put(text: string): void {
    this.#out.push(text)
    this.#chars += text.length
  }
}
