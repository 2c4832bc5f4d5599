/** Which points of the stream count for which objective, and how much each one is. */
import { identityOf } from '../../pipeline/data/identity.ts'
import type { Attributes, Exemplar, In, Point } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { metricId, placeId } from '../../pipeline/streams/identity.ts'
import { doubleOf, intOf } from '../../pipeline/streams/numbers.ts'
import { StreamMap } from '../../pipeline/streams/stream-map.ts'
import { type Entity, entityAttributes, resourceService } from '../../pipeline/vocabulary/entity.ts'
import { type Condition, type Objective, type Operator, objectiveKey, type Source } from './objective.ts'
import { type Share, shareWithin } from './share-within.ts'

type Column = 'total' | 'part' | 'seen' | 'values'

/** One metric that an objective reads. */
export interface Tap {
  readonly objective: Objective
  readonly objectiveKey: string
  readonly source: Source
  readonly column: Column
  /** Tells apart the taps of an objective that read the same metric. */
  readonly number: number
}

/** What a point adds. */
export interface Amounts {
  total: number
  part: number
  seen: number
}

const noRecordedValue = 1

function tapsOf(objective: Objective): readonly Tap[] {
  const { indicator } = objective
  const key = objectiveKey(objective)
  const sources: (readonly [Column, Source | undefined])[] =
    indicator.kind === 'threshold'
      ? [
          ['values', indicator.source],
          ['seen', indicator.seen],
        ]
      : indicator.kind === 'good'
        ? [
            ['total', indicator.total],
            ['part', indicator.good],
          ]
        : [
            ['total', indicator.total],
            ['part', indicator.bad],
            ['seen', indicator.seen],
          ]
  return sources.flatMap(([column, source], number) =>
    source === undefined ? [] : [{ objective, objectiveKey: key, source, column, number }],
  )
}

/** By metric name, and there by service. */
export type TapIndex = ReadonlyMap<string, ReadonlyMap<string, readonly Tap[]>>

export function indexOf(objectives: readonly Objective[]): TapIndex {
  const index = new Map<string, Map<string, Tap[]>>()
  for (const objective of objectives) {
    for (const tap of tapsOf(objective)) {
      const services = index.get(tap.source.metric) ?? new Map<string, Tap[]>()
      index.set(tap.source.metric, services)
      const { service } = objective.scope
      const taps = services.get(service)
      if (taps === undefined) services.set(service, [tap])
      else taps.push(tap)
    }
  }
  return index
}

/** The entity that a resource's points are counted for; undefined where the objective is about another one. */
export function entityFor({ objective, source }: Tap, resource: Attributes): Entity | undefined {
  const { scope } = objective
  const service = resourceService(resource)
  if (service === undefined || service.name !== scope.service) return undefined
  const { namespace, environment, cluster, operation } = scope
  if (namespace !== undefined && namespace !== service.namespace) return undefined
  if (environment !== undefined && environment !== service.environment) return undefined
  if (cluster !== undefined && cluster !== service.cluster) return undefined
  if (!holds(source.resource, resource)) return undefined
  return operation === undefined ? service : { ...service, kind: 'operation', service: service.name, name: operation }
}

/** Whether the attributes of a point are such that it counts. Panes count for exactly one kind of entity. */
export function takesPoint({ objective, source }: Tap, attributes: Attributes): boolean {
  if (!holds(source.attributes, attributes)) return false
  const kind = attributes.get(entityAttributes.kind)
  // Of entities for which `trace_features` had no room: of whom they are is not said.
  if (attributes.has('otel.metric.overflow')) return false
  if (kind === undefined || source.attributes.some(({ key }) => key === entityAttributes.kind)) return true
  const { operation } = objective.scope
  if (operation === undefined) return kind === 'service'
  return kind === 'operation' && attributes.get(entityAttributes.name) === operation
}

function holds(conditions: readonly Condition[], attributes: Attributes): boolean {
  for (const { key, oneOf, matches, exists } of conditions) {
    const value = attributes.get(key)
    if (exists !== undefined && exists !== (value !== undefined)) return false
    if (oneOf === undefined && matches === undefined) continue
    if (value === undefined) return false
    const text = asText(value)
    if (oneOf !== undefined && !oneOf.includes(text)) return false
    if (matches !== undefined && !matches.test(text)) return false
  }
  return true
}

/** The newest trace that is one of what was bad; undefined where nobody says. */
export function badExemplar(
  { exemplars }: Point,
  { objective: { indicator }, source, column }: Tap,
): Pick<Exemplar, 'traceId' | 'spanId'> | undefined {
  if (indicator.kind === 'good') return undefined
  const isBad = (number: number): boolean => {
    if (column === 'values') return indicator.kind === 'threshold' && !compares(number, indicator.op, indicator.value)
    if (source.above !== undefined) return number > source.above
    return source.atMost === undefined || number <= source.atMost
  }
  const found = exemplars.findLast(({ traceId, value }) => traceId !== '' && isBad(numberOf(value)))
  return found === undefined ? undefined : { traceId: found.traceId, spanId: found.spanId }
}

function numberOf(value: Point['value']): number {
  return value === undefined ? Number.NaN : Number(intOf(value)) + doubleOf(value)
}

interface Stream {
  startUnixNano: bigint
  count: number
  part: number
  lastSeconds: number
}

const streamExpirySeconds = 3_600

/** What points add. Of cumulative ones it is what they add to the point before. */
export class Reader {
  private readonly streams: StreamMap<Stream>
  private readonly share: Share = { count: 0, within: 0, unsure: 0 }
  private lastSweep = 0
  /** Points for whose stream there was no room. */
  overflows = 0
  /** Values that lay in a bucket which holds a threshold, and all of those that were compared. */
  unsure = 0
  compared = 0

  constructor(limit: number) {
    this.streams = new StreamMap(limit)
  }

  get size(): number {
    return this.streams.size
  }

  /** False = nothing that could be counted: no value, no number, the first of a cumulative stream. */
  read(point: Point & In, tap: Tap, tracker: string, seconds: number, into: Amounts): boolean {
    if ((point.flags & noRecordedValue) !== 0) return false
    let [count, part] = this.measure(point, tap)
    if (!Number.isFinite(count) || !Number.isFinite(part)) return false
    const { type, temporality } = point.metric
    const isReading = tap.column === 'values' && (type === 'gauge' || type === 'sum')
    if (temporality === 'cumulative' && !isReading) {
      const before = this.before(point, tap, tracker, seconds, count, part)
      if (before === undefined) return false
      ;[count, part] = [count - before.count, Math.max(0, part - before.part)]
    }
    if (!(count >= 0)) return false
    into.total = tap.column === 'total' || tap.column === 'values' ? count : 0
    into.part = tap.column === 'part' ? count : tap.column === 'values' ? part : 0
    into.seen = tap.column === 'seen' ? count : 0
    return true
  }

  /** How many, and of `values` how many of them are bad. */
  private measure(point: Point, { objective: { indicator }, source, column }: Tap): readonly [number, number] {
    const { distribution } = point
    if (distribution === undefined) {
      const number = numberOf(point.value)
      if (column !== 'values' || indicator.kind !== 'threshold') return [number, 0]
      if (Number.isNaN(number)) return [number, 0]
      return [1, compares(number, indicator.op, indicator.value) ? 0 : 1]
    }
    const { share } = this
    if (column === 'values' && indicator.kind === 'threshold') {
      shareWithin(distribution, indicator.value, share)
      this.unsure += share.unsure
      this.compared += share.count
      const isUpper = indicator.op === 'lte' || indicator.op === 'lt'
      return [share.count, isUpper ? share.count - share.within : share.within]
    }
    const bound = source.atMost ?? source.above
    if (bound === undefined) return [Number(distribution.count), 0]
    shareWithin(distribution, bound, share)
    this.unsure += share.unsure
    this.compared += share.count
    return [source.above === undefined ? share.within : share.count - share.within, 0]
  }

  /** The point before of the same stream; zeros after a reset; undefined where this is the first one. */
  private before(
    point: Point & In,
    { number }: Tap,
    tracker: string,
    seconds: number,
    count: number,
    part: number,
  ): { readonly count: number; readonly part: number } | undefined {
    const metric = `${number} ${tracker}|${placeId(point)}${metricId(point.metric)}`
    const id = identityOf(point.attributes)
    const { startUnixNano } = point
    const known = this.streams.get(metric, id)
    if (known === undefined) {
      this.sweep(seconds)
      if (!this.streams.add(metric, id, { startUnixNano, count, part, lastSeconds: seconds })) this.overflows++
      return undefined
    }
    // Out of order: what it adds is in the point that came before.
    if (seconds < known.lastSeconds) return undefined
    const isReset = count < known.count || startUnixNano > known.startUnixNano
    const before = isReset ? { count: 0, part: 0 } : { count: known.count, part: known.part }
    known.startUnixNano = startUnixNano
    known.count = count
    known.part = part
    known.lastSeconds = seconds
    return before
  }

  save(): SavedStreams {
    return this.streams.entries()
  }
  restore(saved: SavedStreams): void {
    for (const [metric, streams] of saved)
      for (const [id, state] of streams) if (!this.streams.add(metric, id, state)) this.overflows++
  }

  private sweep(seconds: number): void {
    if (this.streams.size < this.streams.limit || seconds < this.lastSweep + 60) return
    this.lastSweep = seconds
    this.streams.sweep(({ lastSeconds }) => lastSeconds < seconds - streamExpirySeconds)
  }
}
export type SavedStreams = ReturnType<StreamMap<Stream>['entries']>

function compares(value: number, op: Operator, bound: number): boolean {
  switch (op) {
    case 'lte':
      return value <= bound
    case 'lt':
      return value < bound
    case 'gte':
      return value >= bound
    case 'gt':
      return value > bound
  }
}
