/** The entities that are known, by class: which slot of which ensemble each has, and what is known of it beside its numbers. */

import { Ensemble, type EnsembleOptions, ensembleDefaults } from '../../models/ensemble.ts'
import { noveltyDefaults } from '../../models/novelty.ts'
import { type Entity, type EntityKind, entityId, serviceOf } from '../../pipeline/vocabulary/entity.ts'
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'
import { columnsOf, type JudgedColumn } from './columns.ts'
import type { Config } from './config.ts'
import { type Onset, Recent } from './recent.ts'
import { ScoreNames } from './score-names.ts'
import type { Sender, Senders } from './senders.ts'

export interface EntityClass {
  readonly kind: EntityKind
  readonly columns: readonly JudgedColumn[]
  readonly ensemble: Ensemble
  readonly members: (Member | undefined)[]
  readonly free: number[]
  /** One row of columns for each slot. */
  values: Float64Array
}

export interface Member {
  /** Names of what is emitted count by it. */
  number: number
  readonly key: string
  readonly id: string
  readonly entity: Entity
  readonly class: EntityClass
  readonly sender: Sender
  /** -1 once it was forgotten. */
  slot: number
  /** The tick that its row of values is of. */
  tick: number
  /** By window, as the vocabulary orders them: share of its telemetry that was there; NaN = nobody said. */
  readonly completeness: Float32Array
  /** 1 to 4; 5 = not known. */
  tier: number
  hasSlo: boolean
  /** How busy it is: a fading mean of its requests or log records a second. */
  busyness: number
  /** Age of the youngest version, seconds; NaN = no new one. */
  versionAge: number
  /** Requests of the last hour, and how many of them were seen where sampling left some out; NaN = nobody said. */
  hourRequests: number
  hourSeen: number
  /** Ticks at which: it was first seen or a person's acceptance was followed; an incident opened (NaN = none is). */
  acceptedTick: number
  openSince: number
  /** What was said of its onset, while it is strange. */
  onset: Onset | undefined
  onsetTick: number
  readonly recent: Recent
}

/** Who was not seen for longer is silent: a live one is not forgotten for another that is alive, or both would be new for ever. */
const silentTicks = 6
/** What an entity costs beside what its ensemble says: its ring of recent ticks, and what its forty series mean. */
const memberBytes = 6_000

export class Entities {
  readonly classes = new Map<EntityKind, EntityClass>()
  readonly #settings: Config
  readonly #senders: Senders
  readonly #members = new Map<string, Member>()
  readonly names = new ScoreNames()
  /** Entities that there is room for. */
  #room: number
  /** How many were forgotten for want of room. */
  evicted = 0

  constructor(settings: Config, senders: Senders) {
    this.#settings = settings
    this.#senders = senders
    this.#room = settings.max_entities
    senders.forgotten = (sender) => {
      for (const member of this.#members.values()) if (member.sender === sender) this.#evict(member)
    }
  }

  get size(): number {
    return this.#members.size
  }

  all(): Iterable<Member> {
    return this.#members.values()
  }

  /** The member of an entity, known at this place or not. */
  find(key: string): Member | undefined {
    return this.#members.get(key)
  }

  /** The member of an entity, made where there is none; undefined where there is no room. */
  of(entity: Entity, sender: Sender): Member | undefined {
    const id = entityId(entity)
    const key = memberKey(id, sender)
    const known = this.#members.get(key)
    if (known !== undefined) return known
    if (this.#members.size >= this.#room && !this.#makeRoom(sender)) return undefined
    return this.#make(entity, id, key, sender)
  }

  /** A member as it was elsewhere; undefined where it is known already, or where there is no room. */
  restored(entity: Entity, sender: Sender): Member | undefined {
    const id = entityId(entity)
    const key = memberKey(id, sender)
    if (this.#members.has(key) || this.#members.size >= this.#room) return undefined
    return this.#make(entity, id, key, sender)
  }

  #make(entity: Entity, id: string, key: string, sender: Sender): Member {
    if (this.names.count > 4 * this.#settings.max_entities + 1_000) this.#renumber()
    const ofKind = this.classOf(entity.kind)
    const slot = ofKind.free.pop() ?? ofKind.members.length
    const member: Member = {
      number: this.names.add(entity),
      key,
      id,
      entity,
      class: ofKind,
      sender,
      slot,
      tick: -1,
      completeness: new Float32Array(4).fill(Number.NaN),
      tier: 5,
      hasSlo: false,
      busyness: 0,
      versionAge: Number.NaN,
      hourRequests: Number.NaN,
      hourSeen: Number.NaN,
      acceptedTick: sender.tick,
      openSince: Number.NaN,
      onset: undefined,
      onsetTick: Number.NaN,
      recent: new Recent(),
    }
    ofKind.members[slot] = member
    const cells = (slot + 1) * ofKind.columns.length
    if (cells > ofKind.values.length) {
      const larger = new Float64Array(Math.max(cells, ofKind.values.length * 2, 64 * ofKind.columns.length))
      larger.set(ofKind.values)
      ofKind.values = larger
    }
    this.#members.set(key, member)
    return member
  }

  classOf(kind: EntityKind): EntityClass {
    let found = this.classes.get(kind)
    if (found === undefined) {
      const columns = columnsOf(kind)
      const ensemble = new Ensemble(ensembleOptions(columns, this.#settings))
      found = { kind, columns, ensemble, members: [], free: [], values: new Float64Array(0) }
      this.classes.set(kind, found)
    }
    return found
  }

  /** The service that an entity is a part of, where it is known. */
  serviceOf({ entity, sender }: Member): Member | undefined {
    const service = serviceOf(entity)
    return service === undefined ? undefined : this.#members.get(memberKey(entityId(service), sender))
  }

  /** Histories of their own go to entities with SLOs and of low tiers, then to the busiest, as far as `bytes` reach. O(n log n). */
  admitMostImportant(bytes: number): void {
    const order = [...this.#members.values()].sort(byImportance)
    let left = bytes
    for (const {
      class: { ensemble },
      slot,
    } of order) {
      left -= ensemble.noveltyBytes
      if (left >= 0) ensemble.admit(slot)
      else ensemble.dismiss(slot)
    }
  }

  /** Bytes of what was learned. O(entities). */
  bytes(): number {
    let sum = 0
    for (const {
      slot,
      class: { ensemble, columns },
    } of this.#members.values())
      sum += memberBytes + columns.length * 8 + ensemble.bytes(slot)
    return sum
  }

  /** Holds to `memory_limit`: there is room for so many as that many bytes are enough for. O(entities). */
  holdMemory(): void {
    const { memory_limit, max_entities } = this.#settings
    const { size } = this.#members
    if (size === 0) return
    const bytes = this.bytes()
    this.#room = Math.min(max_entities, Math.max(1, Math.floor((memory_limit / bytes) * size)))
    if (size > this.#room) this.#forgetSilent(size - this.#room)
  }

  /** Forgets some of those that are silent; looked for once in a tick of a sender, since it looks at all. False where nobody is. */
  #makeRoom(sender: Sender): boolean {
    if (sender.lookedAt === sender.tick) return false
    sender.lookedAt = sender.tick
    let silent = 0
    for (const member of this.#members.values()) if (this.#senders.silence(member) > silentTicks) silent++
    if (silent === 0) return false
    this.#forgetSilent(Math.min(silent, 1 + this.#members.size / 100))
    return true
  }

  /** Forgets those that were silent longest, and of the equally silent those that matter least. */
  #forgetSilent(count: number): void {
    const order = [...this.#members.values()].map((member) => ({ member, silence: this.#senders.silence(member) }))
    order.sort((a, b) => b.silence - a.silence || byImportance(b.member, a.member))
    for (const { member } of order.slice(0, Math.floor(count))) this.#evict(member)
  }

  #evict(member: Member): void {
    this.forget(member)
    this.evicted++
  }

  #renumber(): void {
    this.names.startOver()
    for (const member of this.#members.values()) member.number = this.names.add(member.entity)
  }

  forget(member: Member): void {
    const { class: ofKind, slot, key } = member
    if (slot < 0) return
    ofKind.ensemble.forget(slot)
    ofKind.members[slot] = undefined
    ofKind.free.push(slot)
    member.slot = -1
    this.#members.delete(key)
  }
}

/** Of an entity as one sender tells of it. */
function memberKey(id: string, { key }: Sender): string {
  return key === '' ? id : `${key} ${id}`
}

/** The most important first. */
export function byImportance(a: Member, b: Member): number {
  return Number(b.hasSlo) - Number(a.hasSlo) || a.tier - b.tier || b.busyness - a.busyness
}

function ensembleOptions(columns: readonly JudgedColumn[], settings: Config): EnsembleOptions {
  return {
    ...ensembleDefaults,
    history: 'residuals',
    novelty: { ...noveltyDefaults, leastScale: 0.5 },
    columns,
    capacity: settings.max_entities,
    warmupTicks: Math.max(1, Math.round(settings.warmup / 1_000 / paneSeconds)),
    gateP: settings.gate,
    acceptTicks: Math.max(1, Math.round(settings.accept_after / 1_000 / paneSeconds)),
  }
}
