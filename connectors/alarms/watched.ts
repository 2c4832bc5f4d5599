/** What is known of each entity, bounded: those that were not heard of for long make room. */
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'
import type { Alarm } from './alarm.ts'
import type { Explanation } from './explanation.ts'
import type { Team } from './team.ts'

/** A value now, and what it usually is: a mean that forgets within ten minutes or so. */
export interface Level {
  now: number
  usual: number
  /** End of the window, seconds. */
  at: number
}

/** Weight of a new value: ticks of ten seconds are forgotten in ten minutes. */
const learning = 1 / 60

function newLevel(): Level {
  return { now: Number.NaN, usual: Number.NaN, at: Number.NEGATIVE_INFINITY }
}

/** What is usual lags, so that a fault of half a minute has not become usual before somebody compares. */
export function setLevel(level: Level, value: number, at: number): void {
  if (at < level.at) return
  if (at > level.at && Number.isFinite(level.now))
    level.usual = Number.isFinite(level.usual) ? level.usual + (level.now - level.usual) * learning : level.now
  level.now = value
  level.at = at
}

export class Watched {
  readonly entity: Entity
  readonly id: string
  readonly slot: number
  /** Seconds of event time. */
  seenAt = Number.NEGATIVE_INFINITY
  p = Number.NaN
  pAt = Number.NEGATIVE_INFINITY
  score = Number.NaN
  lookAt = Number.NaN
  coldAt = Number.NEGATIVE_INFINITY
  completeness = 1
  readonly requests = newLevel()
  readonly errorRatio = newLevel()
  readonly cpu = newLevel()
  restarts = 0
  restartsAt = Number.NEGATIVE_INFINITY
  explanation: Explanation | undefined
  /** Those that are active. */
  alarms: Alarm[] = []
  /** When alarms of it were opened lately, seconds. */
  openings: number[] = []
  /** When an alarm of it was last cleared: what comes then began then at the earliest. */
  clearedAt = Number.NEGATIVE_INFINITY

  /** Looked up again once a window. */
  team: Team | undefined
  /** Forgotten: who still has it looks it up anew. */
  isGone = false

  constructor(entity: Entity, id: string, slot: number) {
    this.entity = entity
    this.id = id
    this.slot = slot
  }
}

/** What is saved: data as it is. */
export type WatchedState = Omit<Watched, 'team' | 'isGone'>

export function savedWatched({ team: _team, isGone: _isGone, ...state }: Watched): WatchedState {
  return state
}

export function restoredWatched(state: WatchedState): Watched {
  return Object.assign(new Watched(state.entity, state.id, state.slot), state)
}

export class Registry {
  readonly #byId = new Map<string, Watched>()
  readonly #free: number[] = []
  readonly #edgesTo = new Map<string, Set<Watched>>()
  readonly #instancesOf = new Map<string, Set<Watched>>()
  #nextSlot = 0

  get size(): number {
    return this.#byId.size
  }

  all(): Iterable<Watched> {
    return this.#byId.values()
  }

  find(id: string): Watched | undefined {
    return this.#byId.get(id)
  }

  add(entity: Entity): Watched {
    const watched = new Watched(entity, entityId(entity), this.#free.pop() ?? this.#nextSlot++)
    this.put(watched)
    return watched
  }

  /** Of a predecessor, with its slot. */
  put(watched: Watched): void {
    this.#byId.set(watched.id, watched)
    this.#nextSlot = Math.max(this.#nextSlot, watched.slot + 1)
    this.#index(watched, (index, key) => {
      const set = index.get(key)
      if (set === undefined) index.set(key, new Set([watched]))
      else set.add(watched)
    })
  }

  /** After a predecessor's were put: slots that none of them has are free. */
  fillGaps(): void {
    const taken = new Set([...this.#byId.values()].map(({ slot }) => slot))
    for (let slot = 0; slot < this.#nextSlot; slot++) if (!taken.has(slot)) this.#free.push(slot)
  }

  remove(watched: Watched): void {
    this.#byId.delete(watched.id)
    this.#free.push(watched.slot)
    this.#index(watched, (index, key) => {
      const set = index.get(key)
      set?.delete(watched)
      if (set?.size === 0) index.delete(key)
    })
  }

  /** Edges that end at the service, whoever calls. */
  *edgesTo(service: Entity): Iterable<Watched> {
    // As `edgeEntity` names it, for callers of its own namespace and for those of others.
    yield* this.#edgesTo.get(placeOf(service, service.name)) ?? []
    if (service.namespace !== '')
      yield* this.#edgesTo.get(placeOf(service, `${service.namespace}/${service.name}`)) ?? []
  }

  instancesOf(service: Entity): Iterable<Watched> {
    return this.#instancesOf.get(placeOf(service, service.name)) ?? []
  }

  /** The service that an edge starts from. */
  sourceOf(edge: Entity): Watched | undefined {
    const [source = ''] = edge.name.split(arrow)
    for (const namespace of new Set([edge.namespace, ''])) {
      const found = this.find(entityId({ ...edge, kind: 'service', namespace, service: '', name: source }))
      if (found !== undefined) return found
    }
    return undefined
  }

  #index({ entity }: Watched, change: (index: Map<string, Set<Watched>>, key: string) => void): void {
    if (entity.kind === 'edge') change(this.#edgesTo, placeOf(entity, entity.name.split(arrow)[1] ?? ''))
    if (entity.kind === 'instance') change(this.#instancesOf, placeOf(entity, entity.service))
  }
}

const arrow = ' -> '

/** What goes wrong together, as one key: a service, its parts, and the calls to it. */
export function kinOf(entity: Entity): string {
  const { kind, service, name } = entity
  if (kind !== 'edge') return placeOf(entity, service === '' ? name : service)
  const target = name.split(arrow)[1] ?? name
  return placeOf(entity, target.slice(target.lastIndexOf('/') + 1))
}

/** Callers live in other namespaces, never in other environments. */
function placeOf({ cluster, environment }: Entity, name: string): string {
  return JSON.stringify([cluster, environment, name])
}
