/** A collected record as it goes on: with the time of sending, and what it says of the records that it stands for. */
import { writeKeyValue } from '../../pipeline/data/any-value.ts'
import { fixed64 } from '../../pipeline/data/items.ts'
import type { Editable, LogRecord } from '../../pipeline/data/telemetry.ts'
import { cursor, skip, text, uvarint } from '../../pipeline/data/wire.ts'
import type { Writer } from '../../pipeline/data/writer.ts'
import { type Zone, zoneNamed } from '../../pipeline/ottl/time.ts'
import type { Entry } from './collected.ts'
import type { Config } from './config.ts'
import { secondsText } from './seconds-text.ts'

export type WriteRecord = (to: Writer, entry: Entry) => void

const timeTag = 9
const observedTag = 89
const attributeTag = 50
const firstName = 'first_observed_timestamp'
const lastName = 'last_observed_timestamp'

export const asItCame: WriteRecord = (to, { record }) => to.bytes(record)

/** Writes the fields of records that are sent at `nowUnixNano`. */
export function finisher({ log_count_attribute, timezone }: Config, nowUnixNano: bigint): WriteRecord {
  const names = new Set([log_count_attribute, firstName, lastName])
  const lengths = new Set(Array.from(names, (name) => Buffer.byteLength(name)))
  const seconds = secondsTexts(zoneNamed(timezone)!)
  const ranges: number[] = []
  return (to, { record, count, firstUnixNano, lastUnixNano }) => {
    fixed64(to, observedTag, firstUnixNano)
    attribute(to, lastName, seconds(lastUnixNano))
    attribute(to, firstName, seconds(firstUnixNano))
    attribute(to, log_count_attribute, count)
    keptRanges(record, names, lengths, ranges)
    for (let i = ranges.length - 2; i >= 0; i -= 2) to.bytes(record, ranges[i]!, ranges[i + 1]!)
    fixed64(to, timeTag, nowUnixNano)
  }
}

/** The same for records that are changed anyway. */
export function editor({ log_count_attribute, timezone }: Config, nowUnixNano: bigint) {
  const seconds = secondsTexts(zoneNamed(timezone)!)
  return (record: Editable<LogRecord>, { count, firstUnixNano, lastUnixNano }: Entry): void => {
    record.timeUnixNano = nowUnixNano
    record.observedUnixNano = firstUnixNano
    record.attributes.set(log_count_attribute, count)
    record.attributes.set(firstName, seconds(firstUnixNano))
    record.attributes.set(lastName, seconds(lastUnixNano))
  }
}

function attribute(to: Writer, name: string, value: string | number): void {
  const before = to.size
  writeKeyValue(to, name, value)
  to.message(attributeTag, before)
}

/** What stays of a record: all but its times, and attributes with the names of ours. */
function keptRanges(b: Uint8Array, names: ReadonlySet<string>, lengths: ReadonlySet<number>, ranges: number[]): void {
  ranges.length = 0
  let from = 0
  for (let p = 0; p < b.length; ) {
    const at = p
    const tag = uvarint(b, p)
    const start = cursor
    p = skip(b, start, tag & 7)
    const goes = tag === timeTag || tag === observedTag || (tag === attributeTag && isNamed(b, start, names, lengths))
    if (!goes) continue
    if (at > from) ranges.push(from, at)
    from = p
  }
  if (b.length > from) ranges.push(from, b.length)
}

/** `at` is where the length of the KeyValue stands, whose key most senders write first. */
function isNamed(b: Uint8Array, at: number, names: ReadonlySet<string>, lengths: ReadonlySet<number>): boolean {
  const end = uvarint(b, at) + cursor
  for (let p = cursor; p < end; ) {
    const tag = uvarint(b, p)
    const start = cursor
    p = skip(b, start, tag & 7)
    if (tag !== 10) continue
    const length = uvarint(b, start)
    return lengths.has(length) && names.has(text(b, cursor, cursor + length))
  }
  return false
}

/** Most records of a batch were seen in few different seconds. */
function secondsTexts(zone: Zone): (unixNano: bigint) => string {
  const known = new Map<bigint, string>()
  return (unixNano) => {
    let shown = known.get(unixNano)
    if (shown === undefined) known.set(unixNano, (shown = secondsText(unixNano, zone)))
    return shown
  }
}
