/** Numbers of spans, metrics and log records, by the names that upstream has for them. What an item does not have is 0. */
import type { In, LogRecord, Point, Span } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { placeId } from '../../pipeline/streams/identity.ts'
import { doubleOf, intOf } from '../../pipeline/streams/numbers.ts'

/** One value of an item. */
export type Feature<Item> = (item: Item) => number

/** Sources whose last value or time is kept; the longest unseen one goes for a new one. */
const maxSources = 10_000

export const traceFeatures: Readonly<Record<string, () => Feature<Span & In>>> = {
  duration: () => (span) => Math.max(0, Number(span.endUnixNano - span.startUnixNano) / 1e6),
  error: () => (span) => (span.status.code === 2 ? 1 : 0),
  'http.status_code': () => (span) => {
    const value = span.attributes.get('http.status_code') ?? span.attributes.get('http.response.status_code')
    const code = value === undefined || value === null ? 0 : Number(asText(value))
    return Number.isFinite(code) ? code : 0
  },
  'service.name': () => {
    const encode = categories()
    return (span) => {
      const name = span.resource.attributes.get('service.name')
      return name === undefined ? 0 : encode(asText(name))
    }
  },
  'operation.name': () => {
    const encode = categories()
    return (span) => encode(span.name)
  },
}

export const metricFeatures: Readonly<Record<string, () => Feature<Point & In>>> = {
  value: () => readingOf,
  rate_of_change: () => {
    const last = new LastOf()
    return (point) => {
      const value = readingOf(point)
      const seconds = Number(point.timeUnixNano / 1_000n) / 1e6
      const before = last.exchange(`${placeId(point)}${point.metric.name}`, value, seconds)
      return before === undefined || seconds <= before.seconds ? 0 : (value - before.value) / (seconds - before.seconds)
    }
  },
}

export const logFeatures: Readonly<Record<string, () => Feature<LogRecord & In>>> = {
  severity_number: () => (record) => record.severityNumber,
  timestamp_gap: () => {
    const last = new LastOf()
    return (record) => {
      const service = record.resource.attributes.get('service.name')
      const { timeUnixNano, observedUnixNano } = record
      const seconds = Number((timeUnixNano === 0n ? observedUnixNano : timeUnixNano) / 1_000n) / 1e6
      const before = last.exchange(service === undefined ? 'default' : asText(service), 0, seconds)
      return before === undefined ? 0 : seconds - before.seconds
    }
  },
  message_length: () => (record) => Buffer.byteLength(asText(record.body)),
}

/** Of a distribution its mean. */
function readingOf({ value, distribution }: Point): number {
  if (distribution !== undefined) {
    const count = Number(distribution.count)
    return count === 0 ? 0 : finite((distribution.sum ?? 0) / count)
  }
  return value === undefined ? 0 : finite(Number(intOf(value)) + doubleOf(value))
}

/** A forest takes no other; what is none counts as nothing. */
export function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}

/** The values of before, by source. */
class LastOf {
  private readonly known = new Map<string, { readonly value: number; readonly seconds: number }>()

  exchange(source: string, value: number, seconds: number) {
    const before = this.known.get(source)
    this.known.delete(source)
    if (this.known.size >= maxSources) this.known.delete(this.known.keys().next().value!)
    this.known.set(source, { value, seconds })
    return before
  }
}

/** Texts as numbers from 0 to 1 by their FNV-1a hash, as upstream has them. */
function categories(): (text: string) => number {
  const known = new Map<string, number>()
  return (text) => {
    let code = known.get(text)
    if (code === undefined) {
      let hash = 0xcbf2_9ce4_8422_2325n
      for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100_0000_01b3n) & 0xffff_ffff_ffff_ffffn
      code = Number(hash) / 2 ** 64
      if (known.size >= maxSources) known.clear()
      known.set(text, code)
    }
    return code
  }
}
