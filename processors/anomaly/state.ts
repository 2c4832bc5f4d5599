/** What was learned as plain data: for a reload, and piece by piece for a store. */
import type { EnsembleEntityState, EnsembleState } from '../../models/ensemble.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { type Entity, type EntityKind, entityKinds } from '../../pipeline/vocabulary/entity.ts'
import type { Entities, Member } from './entities.ts'
import type { OpenTick, Ticks } from './ticks.ts'

const version = 1

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
  readonly version: typeof version
  readonly kind: EntityKind
  readonly shared: EnsembleState
}

interface State {
  readonly version: typeof version
  readonly classes: readonly ClassState[]
  readonly members: readonly MemberState[]
  readonly open: OpenTick | undefined
}

export function saveState(entities: Entities, ticks: Ticks): State {
  return {
    version,
    classes: saveClasses(entities),
    members: [...entities.all()].map(saveMember),
    open: ticks.handOn(),
  }
}

/** Throws an `Error` on what it does not know. Entities for which there is no room any more are left out. */
export function restoreState(from: unknown, entities: Entities, ticks: Ticks): void {
  const state = from as Partial<State> | undefined
  if (state?.version !== version || state.classes === undefined || state.members === undefined)
    throw new Error(`state of version ${String(state?.version)} is not known here`)
  for (const one of state.classes) restoreClass(one, entities)
  for (const one of state.members) restoreMember(one, entities)
  if (state.open !== undefined) ticks.takeOver(state.open)
}

export function saveClasses(entities: Entities): readonly ClassState[] {
  return [...entities.classes.values()].map(({ kind, ensemble }) => ({ version, kind, shared: ensemble.save() }))
}

export function restoreClass(state: ClassState, entities: Entities): void {
  if (state.version !== version || !entityKinds.includes(state.kind))
    throw new Error(`a class of version ${String(state.version)} and kind ${String(state.kind)} is not known here`)
  entities.classOf(state.kind).ensemble.restore(state.shared)
}

export function saveMember(member: Member): MemberState {
  const { entity, origin, originKey, tick, tier, hasSlo, busyness, acceptedTick, openSince, recent } = member
  return {
    entity,
    origin: { metadata: origin.metadata },
    originKey,
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

/** Does nothing where the entity is known already, or where there is no room. */
export function restoreMember(state: MemberState, entities: Entities): void {
  const { entity, origin, originKey, tick, learned } = state
  const member = entities.restored(entity, origin, originKey, tick)
  if (member === undefined) return
  member.tick = tick
  member.tier = state.tier
  member.hasSlo = state.hasSlo
  member.busyness = state.busyness
  member.acceptedTick = state.acceptedTick
  member.openSince = state.openSince
  member.recent.restore(state.recent)
  if (learned !== undefined) member.class.ensemble.restoreEntity(member.slot, learned)
}
