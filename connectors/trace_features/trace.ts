/** What only a whole trace tells: own time, time on the network, who called whom, and which entities a request crossed. O(spans). */
import { type Ledger, Measure } from './cell.ts'
import { OperationCrossings } from './crossings.ts'
import type { Entities, EntitySeries } from './entities.ts'
import type { Peer } from './peers.ts'
import { Cover } from './self-time.ts'
import { edgeBetween, roles, type Shape } from './shape.ts'
import { Sketch } from './sketch.ts'
import type { CompleteTrace, WaitingSpans } from './waiting.ts'

const none = -1

export class TraceReader {
  private readonly spans: WaitingSpans
  private readonly ledger: Ledger
  private readonly entities: Entities
  private readonly maxCrossed: number
  private readonly cover = new Cover()
  private readonly measure = new Measure()
  /** Of the trace at hand, by position: its number among the waiting spans, its parent, first child and next sibling. */
  private capacity = 256
  private span = new Int32Array(this.capacity)
  private parent = new Int32Array(this.capacity)
  private child = new Int32Array(this.capacity)
  private sibling = new Int32Array(this.capacity)
  private slots = new Int32Array(this.capacity * 4)
  private readonly stack: number[] = []
  private readonly orphans: number[] = []
  private count = 0
  private serial = 0
  private nowMs = 0
  /** Crossings of entities for which there was no room. */
  uncountedCrossings = 0

  constructor(spans: WaitingSpans, ledger: Ledger, entities: Entities, maxCrossed: number) {
    this.spans = spans
    this.ledger = ledger
    this.entities = entities
    this.maxCrossed = maxCrossed
  }

  read({ first, count, isPartial, isSuspect }: CompleteTrace, nowMs: number): void {
    this.nowMs = nowMs
    this.link(first, count)
    const root = this.rootOf()
    const isWhole = !isPartial && (!isSuspect || root >= 0)
    if (isWhole) this.findOrphans()
    for (let i = 0; i < count; i++) {
      const { role } = this.shapeAt(i)
      if (role === roles.entry || role === roles.consumer) {
        if (isWhole) this.readSelfTime(i)
        if (role === roles.entry) this.readUnannounced(i)
      } else if (role === roles.call) this.readCall(i)
    }
    if (isWhole && root >= 0) this.readCrossings(root)
  }

  private shapeAt(i: number): Shape {
    return this.spans.shapes[this.span[i]!]!
  }

  /** Parents and children. Of spans with one id the first counts as a parent. */
  private link(first: number, count: number): void {
    this.count = count
    this.reserve(count)
    const { span, parent, child, sibling } = this
    const { next, ids } = this.spans
    let mask = 15
    while (mask < count * 2) mask = mask * 2 + 1
    const slots = this.slots.fill(0, 0, mask + 1)
    for (let i = 0, at = first; i < count; i++, at = next[at]!) {
      span[i] = at
      child[i] = none
      const a = ids[at * 4]!
      const b = ids[at * 4 + 1]!
      let slot = hash(a, b) & mask
      for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const other = span[slots[slot]! - 1]! * 4
        if (ids[other] === a && ids[other + 1] === b) break
      }
      if (slots[slot] === 0) slots[slot] = i + 1
    }
    for (let i = count - 1; i >= 0; i--) {
      const at = span[i]! * 4
      const a = ids[at + 2]!
      const b = ids[at + 3]!
      let found = none
      if (a !== 0 || b !== 0) {
        for (let slot = hash(a, b) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
          const other = slots[slot]! - 1
          const p = span[other]! * 4
          if (ids[p] !== a || ids[p + 1] !== b) continue
          if (other !== i) found = other
          break
        }
      }
      parent[i] = found
      if (found < 0) continue
      sibling[i] = child[found]!
      child[found] = i
    }
  }

  /** The request of a user: the root, or where that only calls others, the first request that it led to. */
  private rootOf(): number {
    const { ids, start } = this.spans
    let hasRoot = false
    let earliest = none
    for (let i = 0; i < this.count; i++) {
      const at = this.span[i]!
      const { role } = this.shapeAt(i)
      const isEntry = role === roles.entry || role === roles.consumer
      if (ids[at * 4 + 2] === 0 && ids[at * 4 + 3] === 0) {
        if (isEntry) return i
        hasRoot = true
      }
      if (isEntry && (earliest < 0 || start[at]! < start[this.span[earliest]!]!)) earliest = i
    }
    return hasRoot ? earliest : none
  }

  /** Requests whose caller's span was lost. */
  private findOrphans(): void {
    const { orphans, parent, span } = this
    const { ids } = this.spans
    orphans.length = 0
    for (let i = 0; i < this.count; i++) {
      const at = span[i]! * 4
      if (parent[i]! < 0 && (ids[at + 2] !== 0 || ids[at + 3] !== 0) && this.shapeAt(i).role === roles.entry)
        orphans.push(i)
    }
  }

  /** Whether one of them lies within a request, in `free` seconds that none of its known calls covers: it may have been called there. */
  private mayLackCall(i: number, free: number): boolean {
    const { spans, orphans, span, cover } = this
    if (orphans.length === 0) return false
    const at = span[i]!
    const from = spans.start[at]!
    const duration = spans.duration[at]!
    for (const orphan of orphans) {
      if (orphan === i) continue
      const other = span[orphan]!
      const start = spans.start[other]!
      const length = spans.duration[other]!
      const middle = start + length / 2
      if (length <= duration && middle > from && middle < from + duration) cover.add(start, start + length)
    }
    return cover.uncovered(from, from + duration) < free
  }

  /** A request's time without the union of the calls that it made, through whatever work of its own. */
  private readSelfTime(i: number): void {
    const { spans, cover, stack, child, sibling } = this
    const at = this.span[i]!
    const from = spans.start[at]!
    const duration = spans.duration[at]!
    const { place } = spans.shapes[at]!
    cover.clear()
    stack.length = 0
    for (let c = child[i]!; c >= 0; c = sibling[c]!) stack.push(c)
    for (let c = stack.pop(); c !== undefined; c = stack.pop()) {
      if (c === i) continue
      const other = this.span[c]!
      const { role, place: there } = spans.shapes[other]!
      if (role === roles.consumer) continue
      if (role === roles.internal && there.service === place.service) {
        for (let d = child[c]!; d >= 0; d = sibling[d]!) stack.push(d)
        continue
      }
      let start = spans.start[other]!
      const length = spans.duration[other]!
      // Another machine's clock may be ahead or behind: a request within this one was somewhere in it, so in the middle.
      if (
        there !== place &&
        there.key !== place.key &&
        length <= duration &&
        (start < from || start + length > from + duration)
      )
        start = from + (duration - length) / 2
      cover.add(start, start + length)
    }
    const free = cover.uncovered(from, from + duration)
    if (this.mayLackCall(i, free)) return
    const { counted, crossed } = spans.shapes[at]!
    this.measure.set(free, spans.times[at]!)
    // Of a consumer the edge from its queue is counted too, and has no time of its own.
    const ofEntities = counted.length === crossed.length ? counted : crossed
    for (let k = 0; k < ofEntities.length; k++)
      this.measure.addTo((this.cellOf(ofEntities[k]!, at).selfTime ??= new Sketch()))
  }

  /** A request from another service that has no span of the call itself. */
  private readUnannounced(i: number): void {
    const p = this.parent[i]!
    if (p < 0) return
    const shape = this.shapeAt(i)
    const { role, place } = this.shapeAt(p)
    if (role === roles.call || role === roles.use || place.service === undefined) return
    const service = shape.place.service!
    if (place.service === service) return
    const at = this.span[i]!
    const edge = edgeBetween(this.entities, place.service, service, 'call', this.nowMs)
    this.measure.set(this.spans.duration[at]!, this.spans.times[at]!)
    this.cellOf(edge, at).count(this.spans.weight[at]!, this.spans.failed[at] === 1, this.measure)
  }

  private readCall(i: number): void {
    const { spans, child, sibling } = this
    const at = this.span[i]!
    const shape = this.shapeAt(i)
    const p = this.parent[i]!
    // A library's call within a call to a database or a queue: that one counts.
    if (p >= 0 && this.shapeAt(p).role === roles.use && this.shapeAt(p).place.service === shape.place.service) return
    let service: EntitySeries | undefined
    let instance: EntitySeries | undefined
    let isOfSeveral = false
    let sum = 0
    let longest = 0
    for (let c = child[i]!; c >= 0; c = sibling[c]!) {
      const { role, place } = this.shapeAt(c)
      // A call that is carried by another, of a library or a proxy beside it: that one counts.
      if ((role === roles.call || role === roles.use) && place.service === shape.place.service) return
      if (role !== roles.entry) continue
      if (service !== undefined && service !== place.service) isOfSeveral = true
      // Of several instances nobody knows which one was far.
      instance = service === undefined || instance === place.instance ? place.instance : undefined
      service = place.service!
      const duration = spans.duration[this.span[c]!]!
      sum += duration
      if (duration > longest) longest = duration
    }
    const duration = spans.duration[at]!
    const weight = spans.weight[at]!
    const failed = spans.failed[at] === 1
    const { measure } = this
    measure.set(duration, spans.times[at]!)
    if (service === undefined) {
      if (shape.calls === undefined) return
      shape.calls.peer.lastSeenMs = this.nowMs
      shape.calls.cells.at(spans.pane[at]!, this.ledger).count(weight, failed, measure)
      return
    }
    if (isOfSeveral) {
      this.readCallOfSeveral(i, weight, failed)
      return
    }
    const peer = shape.calls?.peer
    if (peer !== undefined) {
      peer.lastSeenMs = this.nowMs
      peer.answered(service)
    }
    const edge = shape.edgeTo(service, this.entities, this.nowMs)
    const cell = this.cellOf(edge, at)
    cell.count(weight, failed, measure)
    // Durations only, so that it does not matter what the clocks say. Requests of one call that take longer than it took together ran side by side.
    measure.set(Math.max(0, duration - (sum <= duration ? sum : longest)), spans.times[at]!)
    measure.addTo((cell.networkGap ??= new Sketch()))
    measure.addTo((this.cellOf(service, at).networkGap ??= new Sketch()))
    if (instance !== undefined) measure.addTo((this.cellOf(instance, at).networkGap ??= new Sketch()))
  }

  /** An edge to each, without the gap, which is nobody's. */
  private readCallOfSeveral(i: number, weight: number, failed: boolean): void {
    const at = this.span[i]!
    const shape = this.shapeAt(i)
    const serial = ++this.serial
    for (let c = this.child[i]!; c >= 0; c = this.sibling[c]!) {
      const { role, place } = this.shapeAt(c)
      if (role !== roles.entry || place.service!.crossedBy === serial) continue
      place.service!.crossedBy = serial
      this.cellOf(shape.edgeTo(place.service!, this.entities, this.nowMs), at).count(weight, failed, this.measure)
    }
  }

  private readCrossings(root: number): void {
    const at = this.span[root]!
    const { operation } = this.spans.shapes[at]!
    if (operation === undefined || operation.isOverflow) return
    const crossings = (operation.crossings ??= new OperationCrossings(operation, this.maxCrossed))
    const serial = ++this.serial
    for (let i = 0; i < this.count; i++) {
      const { crossed, calls } = this.shapeAt(i)
      for (let k = 0; k < crossed.length; k++) {
        const one = crossed[k]!
        if (one.crossedBy === serial || one.isOverflow) continue
        one.crossedBy = serial
        this.cross(crossings, one, at)
      }
      // A call that nobody answered still went somewhere.
      if (calls === undefined || this.child[i]! >= 0) continue
      const target = calls.peer.service ?? calls.peer
      if (target.crossedBy === serial) continue
      target.crossedBy = serial
      this.cross(crossings, target, at)
    }
  }

  private cross(crossings: OperationCrossings, crossed: EntitySeries | Peer, at: number): void {
    const found = crossings.find(crossed)
    if (found === undefined) {
      this.uncountedCrossings++
      return
    }
    const crossing = found.at(this.spans.pane[at]!, this.ledger.crossings)
    const weight = this.spans.weight[at]!
    crossing.requests += weight
    if (this.spans.failed[at] === 1) crossing.errors += weight
  }

  private cellOf(series: EntitySeries, at: number) {
    return series.cells.at(this.spans.pane[at]!, this.ledger)
  }

  private reserve(count: number): void {
    if (count <= this.capacity) return
    while (this.capacity < count) this.capacity *= 2
    this.span = new Int32Array(this.capacity)
    this.parent = new Int32Array(this.capacity)
    this.child = new Int32Array(this.capacity)
    this.sibling = new Int32Array(this.capacity)
    this.slots = new Int32Array(this.capacity * 4)
  }
}

function hash(a: number, b: number): number {
  const mixed = Math.imul(a ^ Math.imul(b, 0x9e37_79b1), 0x85eb_ca6b)
  return mixed ^ (mixed >>> 15)
}
