/** What is known of each entity, bounded: those that were not heard of for long make room. */
import { type Entity, edgeEntity, entityId, serviceOf } from '../../pipeline/vocabulary/entity.ts'
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
  readonly #scopes = new Map<string, Scope>()
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
    for (const scope of this.#scopes.values()) yield* this.#edgesTo.get(targetKey(scope, service)) ?? []
  }

  instancesOf(service: Entity): Iterable<Watched> {
    return this.#instancesOf.get(entityId(service)) ?? []
  }

  /** The service that an edge starts from. */
  sourceOf(edge: Entity): Watched | undefined {
    const name = edge.name.slice(0, edge.name.indexOf(arrow))
    return this.find(entityId({ ...edge, kind: 'service', service: '', name }))
  }

  /** What goes wrong together has a key in common: a service, its parts, and the calls to it. */
  kinKeys(entity: Entity): readonly string[] {
    if (entity.kind === 'edge') return [edgeKey(entity)]
    const whole = serviceOf(entity) ?? entity
    return [...new Set([entity, ...this.#scopes.values()].map((scope) => targetKey(scope, whole)))]
  }

  #index({ entity }: Watched, change: (index: Map<string, Set<Watched>>, key: string) => void): void {
    if (entity.kind === 'edge') {
      const { cluster, environment, namespace } = entity
      const scope = JSON.stringify([cluster, environment, namespace])
      if (this.#scopes.size < maxScopes) this.#scopes.set(scope, { cluster, environment, namespace })
      change(this.#edgesTo, edgeKey(entity))
    }
    const service = entity.kind === 'instance' ? serviceOf(entity) : undefined
    if (service !== undefined) change(this.#instancesOf, entityId(service))
  }
}

const arrow = ' -> '
/** Namespaces that edges start in: those beyond say nothing of whom they call. */
const maxScopes = 256

/** Where an edge starts: its target is named as seen from there. */
type Scope = Pick<Entity, 'cluster' | 'environment' | 'namespace'>

function targetKey({ cluster, environment, namespace }: Scope, target: Entity): string {
  const source: Entity = { kind: 'service', cluster, environment, namespace, service: '', name: '' }
  return edgeKey(edgeEntity(source, target))
}

function edgeKey({ cluster, environment, namespace, name }: Entity): string {
  return JSON.stringify([cluster, environment, namespace, name.slice(name.indexOf(arrow) + arrow.length)])
}
