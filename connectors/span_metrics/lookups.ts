/** Looks dimensions up where a span, its event and its resource have them. Precedence: span, event, resource, default. */
import { asText, readKeyed, readValue } from '../../pipeline/data/any-value.ts'
import { findAttribute, foundEnd } from '../../pipeline/data/attributes.ts'
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { type PreparedKey, prepared } from '../../pipeline/data/key.ts'
import type { SpanScan } from '../../pipeline/data/span-scan.ts'
import type { Value } from '../../pipeline/data/telemetry.ts'
import { cursor, find, skip, text, uvarint } from '../../pipeline/data/wire.ts'
import type { Dimensions } from './dimensions.ts'
import type { SeriesKey } from './series-key.ts'

const inItem = 74
const inResource = 10
const inEvent = 26
const globCacheSize = 4096

export class Lookups {
  private readonly scan: SpanScan
  private readonly keys: readonly PreparedKey[]
  /** Of the attribute in each slot, in the resource: where its AnyValue stands, or -1. */
  private readonly resourceStart: Int32Array
  private readonly resourceEnd: Int32Array
  private b: Uint8Array = new Uint8Array()
  private resource: readonly [number, number] = [0, 0]
  private readonly span = [0, 0] as [number, number]
  private readonly matchers = new Map<Dimensions, GlobMatcher>()
  /** Of the resource at hand. */
  private readonly ofResource = new Map<Dimensions, readonly Match[]>()
  private start = 0
  private end = 0

  constructor(scan: SpanScan, names: readonly string[]) {
    this.scan = scan
    this.keys = names.map((name) => prepared(name))
    this.resourceStart = new Int32Array(names.length)
    this.resourceEnd = new Int32Array(names.length)
  }

  /** The Resource message stands in [start, end). */
  inResource(b: Uint8Array, start: number, end: number): void {
    this.b = b
    this.resource = [start, end]
    this.ofResource.clear()
    for (const [slot, key] of this.keys.entries()) {
      const isThere = this.find(start, end, inResource, key)
      this.resourceStart[slot] = isThere ? this.start : -1
      this.resourceEnd[slot] = this.end
    }
  }

  /** The span that was scanned stands in [start, end); only globs need it. */
  inSpan(start: number, end: number): void {
    this.span[0] = start
    this.span[1] = end
  }

  /** Composes what tells series apart by these dimensions; `event` is where it stands, -1 for none. */
  compose(into: SeriesKey, dimensions: Dimensions, event: number, eventEnd: number): void {
    const { named, globs } = dimensions
    for (let i = 0; i < named.length; i++) {
      const { slot, default: value } = named[i]!
      if (this.locate(slot, event, eventEnd)) into.value(this.b, this.start, this.end)
      else if (value !== undefined) into.text(value)
      else into.none()
    }
    if (globs.length === 0) return
    for (const [name, value] of this.matches(dimensions, event, eventEnd)) {
      into.text(name)
      into.text(asText(value))
    }
    into.none()
  }

  /** Puts the attributes of a series by these dimensions. */
  put(into: Map<string, Value>, dimensions: Dimensions, event: number, eventEnd: number): void {
    for (const { name, slot, default: value } of dimensions.named) {
      if (this.locate(slot, event, eventEnd)) into.set(name, readValue(this.b, this.start, this.end))
      else if (value !== undefined) into.set(name, value)
    }
    for (const [name, value] of this.matches(dimensions, event, eventEnd)) into.set(name, value)
  }

  private locate(slot: number, event: number, eventEnd: number): boolean {
    const { scan } = this
    if (scan.valueStart[slot]! >= 0) {
      this.start = scan.valueStart[slot]!
      this.end = scan.valueEnd[slot]!
      return true
    }
    if (event >= 0 && this.find(event, eventEnd, inEvent, this.keys[slot]!)) return true
    this.start = this.resourceStart[slot]!
    this.end = this.resourceEnd[slot]!
    return this.start >= 0
  }

  private find(start: number, end: number, tag: number, key: PreparedKey): boolean {
    const { b } = this
    const found = findAttribute(b, start, end, tag, key)
    if (found < 0) return false
    const at = find(b, found, foundEnd, 18)
    if (at < 0) {
      this.start = this.end = 0
      return true
    }
    const length = uvarint(b, at)
    this.start = cursor
    this.end = cursor + length
    return true
  }

  /** Sorted by name: first those of the span, then those that only the event or the resource has. */
  private matches(dimensions: Dimensions, event: number, eventEnd: number): readonly Match[] {
    if (dimensions.globs.length === 0) return []
    const { b } = this
    const matcher = this.matcher(dimensions)
    const own = matcher.collect(b, this.span[0], this.span[1], inItem)
    let others = this.ofResource.get(dimensions)
    if (others === undefined) {
      others = matcher.collect(b, this.resource[0], this.resource[1], inResource)
      this.ofResource.set(dimensions, others)
    }
    if (event >= 0) {
      const ofEvent = matcher.collect(b, event, eventEnd, inEvent)
      if (ofEvent.length > 0) others = [...ofEvent, ...without(others, ofEvent)].sort(byName)
    }
    return own.length === 0 ? others : [...own, ...without(others, own)]
  }

  private matcher(dimensions: Dimensions): GlobMatcher {
    let matcher = this.matchers.get(dimensions)
    if (matcher === undefined) this.matchers.set(dimensions, (matcher = new GlobMatcher(dimensions.globs)))
    return matcher
  }
}

type Match = readonly [name: string, value: Value]

function byName([a]: Match, [b]: Match): number {
  return a < b ? -1 : 1
}

function without(matches: readonly Match[], others: readonly Match[]): readonly Match[] {
  return matches.filter(([name]) => others.every(([other]) => other !== name))
}

/** Attribute names are few, so whether one matches is asked once; when they are many after all, it starts over. */
class GlobMatcher {
  private readonly globs: readonly RegExp[]
  private names = new ByteDictionary(globCacheSize)
  /** By the number of the name: undefined where it does not match. */
  private readonly verdicts: (string | undefined)[] = []

  constructor(globs: readonly RegExp[]) {
    this.globs = globs
  }

  /** The attributes `tag` in [p, end) that match, by name; of equal names the first counts. */
  collect(b: Uint8Array, p: number, end: number, tag: number): Match[] {
    const matches: Match[] = []
    while (p < end) {
      const t = uvarint(b, p)
      const at = cursor
      p = skip(b, at, t & 7)
      if (t !== tag) continue
      uvarint(b, at)
      const start = cursor
      const key = find(b, start, p, 10)
      const length = key < 0 ? 0 : uvarint(b, key)
      const name = this.match(b, key < 0 ? start : cursor, length)
      if (name === undefined || matches.some(([known]) => known === name)) continue
      matches.push([name, readKeyed(b, start, p)])
    }
    return matches.length > 1 ? matches.sort(byName) : matches
  }

  /** The name, if it matches. */
  private match(b: Uint8Array, start: number, length: number): string | undefined {
    let id = this.names.idOf(b, start, start + length)
    if (id === 0) {
      this.names = new ByteDictionary(globCacheSize)
      this.verdicts.length = 0
      id = this.names.idOf(b, start, start + length)
    }
    if (id >= this.verdicts.length || id === 0) {
      const name = text(b, start, start + length)
      const verdict = this.globs.some((glob) => glob.test(name)) ? name : undefined
      // Numbers are given one after another.
      if (id !== 0) this.verdicts[id] = verdict
      return verdict
    }
    return this.verdicts[id]
  }
}
