/** Entities by name, bounded: whoever was silent longest makes room. */
import { type Entity, entityId, serviceOf } from '../../pipeline/vocabulary/entity.ts'
import { slotOf } from './columns.ts'
import { clearAll, clearSlot, type FeatureEntity, join, newEntity, type Rank } from './entity.ts'
import type { SeriesIds } from './series-ids.ts'

export class Entities {
  readonly ids: SeriesIds
  private readonly limit: number
  private readonly byKey = new Map<string, FeatureEntity>()
  private readonly byName = new Map<string, Set<FeatureEntity>>()
  /** By `k8s` names: the instance that a pod is. */
  private readonly instanceOfPod = new Map<string, FeatureEntity>()
  evicted = 0
  /** Evicting looks at all of them: at most once in a pane. */
  private evictedAt = Number.NEGATIVE_INFINITY

  constructor(limit: number, ids: SeriesIds) {
    this.limit = limit
    this.ids = ids
  }

  get size(): number {
    return this.byKey.size
  }

  all(): Iterable<FeatureEntity> {
    return this.byKey.values()
  }

  find(entity: Entity): FeatureEntity | undefined {
    return this.byKey.get(entityId(entity))
  }

  /** Of one kind and name, if there is one and no more, wherever it is; a cluster counts where one is given. */
  findLike(kind: Entity['kind'], name: string, cluster: string): FeatureEntity | undefined {
    let found: FeatureEntity | undefined
    for (const one of this.byName.get(`${kind} ${name}`) ?? []) {
      if (cluster !== '' && one.entity.cluster !== cluster) continue
      if (found !== undefined) return undefined
      found = one
    }
    return found
  }

  /** The only database in a server, if there is one and no more. */
  findOnlyPart(kind: Entity['kind'], server: string, cluster: string): FeatureEntity | undefined {
    let found: FeatureEntity | undefined
    for (const [name, namesakes] of this.byName) {
      if (!name.startsWith(`${kind} ${server}/`)) continue
      for (const one of namesakes) {
        if (cluster !== '' && one.entity.cluster !== cluster) continue
        if (found !== undefined) return undefined
        found = one
      }
    }
    return found
  }

  /** Undefined where there is no room. */
  get(entity: Entity, pane: number): FeatureEntity | undefined {
    return this.obtain(entityId(entity), entity.kind, entity, pane)
  }

  /** What one source says of something: `name` tells sources apart. */
  part(name: string, of: Entity, pane: number): FeatureEntity | undefined {
    return this.obtain(`part:${name}`, 'part', of, pane)
  }

  instance(pod: string): FeatureEntity | undefined {
    return this.instanceOfPod.get(pod)
  }

  rememberPod(pod: string, instance: FeatureEntity): void {
    this.instanceOfPod.set(pod, instance)
  }

  isKnown(one: FeatureEntity): boolean {
    return this.byKey.get(one.key) === one
  }

  remove(one: FeatureEntity): void {
    this.byKey.delete(one.key)
    const name = nameOf(one)
    const namesakes = this.byName.get(name)
    namesakes?.delete(one)
    if (namesakes?.size === 0) this.byName.delete(name)
    for (const parent of one.parents) parent.members.delete(one)
    for (const member of one.members) {
      const at = member.parents.indexOf(one)
      if (at >= 0) member.parents.splice(at, 1)
    }
    for (const [pod, instance] of this.instanceOfPod) if (instance === one) this.instanceOfPod.delete(pod)
  }

  /** The panes that a slot was for are over. */
  clearSlot(pane: number): void {
    const slot = slotOf(pane)
    for (const one of this.byKey.values()) clearSlot(one, slot)
  }

  clearAll(): void {
    for (const one of this.byKey.values()) clearAll(one)
  }

  /** New numbers for all. */
  renumber(): void {
    for (const one of this.byKey.values()) if (one.rank !== 'part') one.number = this.ids.add(one.entity)
  }

  save(): { entities: readonly FeatureEntity[]; pods: ReadonlyMap<string, FeatureEntity> } {
    return { entities: [...this.byKey.values()], pods: this.instanceOfPod }
  }

  restore({ entities, pods }: ReturnType<Entities['save']>): void {
    for (const one of entities) this.keep(one)
    for (const [pod, instance] of pods) this.instanceOfPod.set(pod, instance)
    this.renumber()
  }

  private obtain(key: string, rank: Rank, entity: Entity, pane: number): FeatureEntity | undefined {
    const known = this.byKey.get(key)
    if (known !== undefined) return known
    if (this.byKey.size >= this.limit && !this.evict(pane)) return undefined
    const made = newEntity(key, rank, entity, rank === 'part' ? 0 : this.ids.add(entity))
    this.keep(made)
    const service = rank === 'part' || rank === 'service' ? undefined : serviceOf(entity)
    const holder = service === undefined ? undefined : this.obtain(entityId(service), 'service', service, pane)
    made.heardOf = rank === 'instance' ? made : (holder ?? made)
    if (holder !== undefined && (rank === 'instance' || rank === 'pool')) join(made, holder)
    return made
  }

  private keep(one: FeatureEntity): void {
    this.byKey.set(one.key, one)
    const name = nameOf(one)
    const namesakes = this.byName.get(name)
    if (namesakes === undefined) this.byName.set(name, new Set([one]))
    else namesakes.add(one)
  }

  /** Makes room by a hundredth, of those who said nothing in the latest pane. */
  private evict(pane: number): boolean {
    if (this.evictedAt === pane) return false
    this.evictedAt = pane
    const silent = [...this.byKey.values()].filter(({ lastPane, members }) => lastPane < pane - 1 && members.size === 0)
    silent.sort((a, b) => a.lastPane - b.lastPane)
    const leaving = silent.slice(0, Math.max(1, Math.floor(this.limit / 100)))
    for (const one of leaving) this.remove(one)
    this.evicted += leaving.length
    return this.byKey.size < this.limit
  }
}

function nameOf({ rank, entity }: FeatureEntity): string {
  return `${rank} ${entity.name}`
}
