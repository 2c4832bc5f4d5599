/** What was learned as plain data: for a reload, and piece by piece for a store. */
import type { EnsembleEntityState, EnsembleState } from '../../models/ensemble.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { type Entity, type EntityKind, entityId, entityKinds } from '../../pipeline/vocabulary/entity.ts'
import type { Entities, Member } from './entities.ts'
import type { Senders } from './senders.ts'
import type { OpenRow, SenderState, Ticks } from './ticks.ts'

/** Of a reload's state. 1 had one tick for all senders. */
const version = 2
/** Of what the entities of a kind have in common, which is stored too. */
const classVersion = 1

export interface MemberState {
  readonly entity: Entity
  readonly origin: Pick<Origin, 'metadata'>
  readonly originKey: string
  readonly tick: number
  readonly tier: number
  readonly hasSlo: boolean
  readonly busyness: number
  readonly acceptedTick: number
  readonly openSince: number
  readonly recent: Float32Array
  readonly learned: EnsembleEntityState | undefined
}

/** What the entities of a kind have in common. */
export interface ClassState {
  readonly version: typeof classVersion
  readonly kind: EntityKind
  readonly shared: EnsembleState
}

interface State {
  readonly version: typeof version
  readonly classes: readonly ClassState[]
  readonly members: readonly MemberState[]
  readonly senders: readonly SenderState[]
}

interface StateOfVersion1 extends Omit<State, 'version' | 'senders'> {
  readonly version: 1
  readonly open?: {
    readonly tick: number
    readonly hourOfWeek: number
    readonly hourTick: number
    readonly isClosed: boolean
    readonly rows: readonly OpenRow[]
  }
}

export function saveState(entities: Entities, ticks: Ticks): State {
  return {
    version,
    classes: saveClasses(entities),
    members: [...entities.all()].map(saveMember),
    senders: ticks.handOn(),
  }
}

/** Where to. */
export interface Restored {
  readonly entities: Entities
  readonly senders: Senders
  readonly ticks: Ticks
}

/** Throws an `Error` on what it does not know. Entities for which there is no room any more are left out. */
export function restoreState(from: unknown, { entities, senders, ticks }: Restored): void {
  const state = from as Partial<State> | StateOfVersion1 | undefined
  const isKnown = state?.version === 1 || (state?.version === version && state.senders !== undefined)
  if (!isKnown || state.classes === undefined || state.members === undefined)
    throw new Error(`state of version ${String(state?.version)} is not known here`)
  for (const one of state.classes) restoreClass(one, entities)
  for (const one of state.members) restoreMember(one, entities, senders)
  for (const one of state.version === 1 ? sendersOfVersion1(state) : (state.senders ?? [])) ticks.takeOver(one)
}

/** Where one tick was for all, each sender goes on after the last one that an entity of its own was judged in. */
function sendersOfVersion1({ open, members }: StateOfVersion1): readonly SenderState[] {
  if (open === undefined) return []
  const { tick, hourOfWeek, hourTick, isClosed, rows } = open
  const open1 = new Map(rows.map((row) => [row.key, row]))
  const byKey = new Map<string, SenderState & { tick: number; isOpen: boolean; rows: OpenRow[] }>()
  for (const { entity, origin, originKey, tick: seen } of members) {
    let sender = byKey.get(originKey)
    if (sender === undefined) {
      sender = { key: originKey, origin, tick: seen, isOpen: false, hourOfWeek, hourTick, rows: [] }
      byKey.set(originKey, sender)
    }
    sender.tick = Math.max(sender.tick, seen)
    const id = entityId(entity)
    const row = open1.get(originKey === '' ? id : `${originKey} ${id}`)
    if (row === undefined || isClosed || seen !== tick) continue
    sender.isOpen = true
    sender.rows.push(row)
  }
  return [...byKey.values()]
}

export function saveClasses(entities: Entities): readonly ClassState[] {
  return [...entities.classes.values()].map(({ kind, ensemble }) => ({
    version: classVersion,
    kind,
    shared: ensemble.save(),
  }))
}

export function restoreClass(state: ClassState, entities: Entities): void {
  if (state.version !== classVersion || !entityKinds.includes(state.kind))
    throw new Error(`a class of version ${String(state.version)} and kind ${String(state.kind)} is not known here`)
  entities.classOf(state.kind).ensemble.restore(state.shared)
}

export function saveMember(member: Member): MemberState {
  const { entity, sender, tick, tier, hasSlo, busyness, acceptedTick, openSince, recent } = member
  return {
    entity,
    origin: { metadata: sender.origin.metadata },
    originKey: sender.key,
    tick,
    tier,
    hasSlo,
    busyness,
    acceptedTick,
    openSince,
    recent: recent.save(),
    learned: member.class.ensemble.saveEntity(member.slot),
  }
}

/** Does nothing where the entity is known already, or where there is no room. Throws on what was learned of other columns; then it is not known. */
export function restoreMember(state: MemberState, entities: Entities, senders: Senders): void {
  const { entity, origin, originKey, tick, learned } = state
  const sender = senders.named(originKey, origin)
  const member = sender === undefined ? undefined : entities.restored(entity, sender)
  if (member === undefined) return
  member.tick = tick
  member.tier = state.tier
  member.hasSlo = state.hasSlo
  member.busyness = state.busyness
  member.acceptedTick = state.acceptedTick
  member.openSince = state.openSince
  member.recent.restore(state.recent)
  try {
    if (learned !== undefined) member.class.ensemble.restoreEntity(member.slot, learned)
  } catch (error) {
    entities.forget(member)
    throw error
  }
}
