/** What many have at once has one cause: a clock, a release, a network, a load balancer, a holiday. One alarm says so; those of the many are evidence beside it. */
import type { AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import {
  type Entity,
  type EntityKind,
  entityId,
  entityKinds,
  entityLabel,
  serviceOf,
} from '../../pipeline/vocabulary/entity.ts'
import type { Severity } from '../../pipeline/vocabulary/event.ts'
import type { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import type { Alarm } from './alarm.ts'
import type { Book } from './book.ts'
import { commonSentence, noLongerCommonSentence } from './sentence.ts'
import { rankOf } from './severity.ts'
import type { Team } from './team.ts'
import type { Registry, Watched } from './watched.ts'

export interface CommonCausesOptions {
  /** Of the entities of a kind. */
  readonly share: number
  readonly windowSeconds: number
  readonly local: LocalTime
  readonly registry: Registry
  readonly book: Book
}

/** What is about to be opened. */
interface Candidate {
  readonly watched: Watched
  readonly type: AnomalyType
  readonly severity: Severity
  readonly team: Team
  readonly onset: number | undefined
}

/** Fewer are a few. */
const leastCommon = 5
/** Of the same cause are those whose alarms come within so many windows. */
const togetherWindows = 2
/** It is over when fewer than this share of those that made it one are left. */
const leftShare = 0.5

const detector = 'common_cause'
const nowhere = { kind: 'external', cluster: '', environment: '', namespace: '', service: '' } as const
const plurals: Readonly<Partial<Record<EntityKind, string>>> = { query: 'queries' }

export class CommonCauses {
  readonly #options: CommonCausesOptions
  /** By kind and type: of which entities alarms came lately, and when. */
  readonly #lately = new Map<string, Map<string, number>>()
  /** Those that stand for many. */
  readonly #active = new Set<Watched>()

  constructor(options: CommonCausesOptions) {
    this.#options = options
  }

  isOwn(watched: Watched): boolean {
    return this.#active.has(watched)
  }

  /** Of a predecessor. */
  adopt(watched: Watched): void {
    if (watched.alarms.some((alarm) => alarm.detector === detector)) this.#active.add(watched)
  }

  /** The id of the alarm that says it of all; undefined where there is none. */
  of({ entity }: Watched, type: AnomalyType): string | undefined {
    if (this.#active.size === 0) return undefined
    const own = this.#find(kindOf(entity), type)
    // Calls are slow since services are.
    return (entity.kind === 'edge' ? (own ?? this.#find('service', type)) : own)?.id
  }

  /** What is strange in one tick, before alarms of it are opened. */
  seen(candidates: readonly Candidate[], at: number): void {
    const byKey = new Map<string, Candidate[]>()
    for (const one of candidates) {
      const key = `${kindOf(one.watched.entity)} ${one.type}`
      const list = byKey.get(key)
      if (list === undefined) byKey.set(key, [one])
      else list.push(one)
    }
    // Calls last: where services have it, calls have it too.
    for (const [key, list] of [...byKey].sort((a, b) => Number(isOfCalls(a)) - Number(isOfCalls(b))))
      this.#seenOf(key, list, at)
  }

  /** Each tick: is it still of many? */
  review(at: number): void {
    for (const watched of this.#active) {
      for (const alarm of watched.alarms.slice())
        if (alarm.detector === detector) this.#perhapsClear(watched, alarm, at)
      if (watched.alarms.length === 0) this.#active.delete(watched)
    }
  }

  #find(kind: EntityKind, type: AnomalyType): Alarm | undefined {
    const watched = this.#options.registry.find(entityId(allOf(kind)))
    return watched?.alarms.find((alarm) => alarm.type === type && alarm.detector === detector)
  }

  #seenOf(key: string, list: readonly Candidate[], at: number): void {
    const [first] = list
    if (first === undefined || this.of(first.watched, first.type) !== undefined) return
    const lately = this.#lately.get(key) ?? new Map<string, number>()
    this.#lately.set(key, lately)
    const oldest = at - togetherWindows * this.#options.windowSeconds
    for (const [whole, seenAt] of lately) if (seenAt < oldest) lately.delete(whole)
    for (const { watched } of list) lately.set(wholeOf(watched), at)
    if (lately.size < leastCommon) return
    const kind = kindOf(first.watched.entity)
    const all = this.#known(kind, at)
    if (lately.size < Math.max(leastCommon, this.#options.share * all)) return
    this.#open(kind, list, lately.size, Math.max(all, lately.size), at)
    this.#lately.delete(key)
  }

  #open(kind: EntityKind, list: readonly Candidate[], count: number, all: number, at: number): void {
    const { registry, book, local, windowSeconds } = this.#options
    const entity = allOf(kind)
    const watched = registry.find(entityId(entity)) ?? registry.add(entity)
    const onsets = list.map(({ onset = at - windowSeconds }) => onset).sort((a, b) => a - b)
    const onset = onsets[Math.floor(onsets.length / 2)] ?? at
    const { type, severity } = list.reduce((worst, one) =>
      rankOf(one.severity) > rankOf(worst.severity) ? one : worst,
    )
    const names = [...new Set(list.map(({ watched: one }) => entityLabel(serviceOf(one.entity) ?? one.entity)))]
    const moment = { local, at, onset, uncertainty: windowSeconds / 2 }
    const alarm = book.open({
      watched,
      type,
      detector,
      at,
      onset,
      uncertainty: windowSeconds / 2,
      findings: [{ ...counted, observed: count, samples: all }],
      severity,
      text: commonSentence(pluralOf(kind), type, { count, all, names }, moment),
    })
    this.#active.add(watched)
    if (alarm !== undefined && rankOf(alarm.severity) >= rankOf('high'))
      for (const team of new Set(list.map((one) => one.team))) team.paged(at)
  }

  #perhapsClear(watched: Watched, alarm: Alarm, at: number): void {
    const { registry, book, share, local } = this.#options
    const kind = kindOfAll(watched.entity)
    const left = new Set<string>()
    for (const one of registry.all())
      if (one !== watched && kindOf(one.entity) === kind && book.find(one, alarm.type)) left.add(wholeOf(one))
    if (left.size > 0 && left.size >= leftShare * Math.max(leastCommon, share * this.#known(kind, at))) return
    book.clear(watched, alarm, at, noLongerCommonSentence(pluralOf(kind), alarm.type, { local, at, ...alarm }))
    // What is left has another cause, or is worse than the rest.
    for (const { alarms } of registry.all())
      for (const one of alarms) if (one.parent === alarm.id) one.isOnItsOwn = true
  }

  /** So many of a kind have a p-value. */
  #known(kind: EntityKind, at: number): number {
    const oldest = at - togetherWindows * this.#options.windowSeconds
    let known = 0
    for (const { entity, pAt } of this.#options.registry.all()) if (entity.kind === kind && pAt >= oldest) known++
    return known
  }
}

const counted = {
  feature: 'vigil.common.entities',
  window: '',
  quantile: '',
  unit: '{entity}',
  contribution: 1,
  lower: undefined,
  upper: undefined,
} as const

function isOfCalls([key]: readonly [string, readonly Candidate[]]): boolean {
  return key.startsWith('edge ')
}

/** Parts count for their service. */
function kindOf(entity: Entity): EntityKind {
  return entity.service === '' ? entity.kind : 'service'
}

function wholeOf({ entity, id }: Watched): string {
  const service = serviceOf(entity)
  return service === undefined ? id : entityId(service)
}

function pluralOf(kind: EntityKind): string {
  return plurals[kind] ?? `${kind}s`
}

function allOf(kind: EntityKind): Entity {
  return { ...nowhere, name: `all ${pluralOf(kind)}` }
}

function kindOfAll({ name }: Entity): EntityKind {
  return entityKinds.find((kind) => allOf(kind).name === name) ?? 'service'
}
