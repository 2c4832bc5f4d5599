/** What is known of the cluster: pods under all their identifiers, the rest under its uid or name. */
import type { Clock } from '../../pipeline/component.ts'
import type { ApiPod } from './api-pod.ts'
import { type Association, attributeKey } from './association.ts'
import type { FieldSource } from './config.ts'
import type { Thing } from './owners.ts'
import { type Known, type Pod, podOf } from './pod.ts'
import type { Rules } from './rules.ts'

export interface CacheParts {
  readonly rules: Rules
  readonly association: Association
  readonly isExcluded: (name: string) => boolean
  readonly clock: Clock
  readonly graceMs: number
}
/** To be forgotten, unless by then somebody else is filed there. */
interface Farewell {
  readonly key: string
  readonly pod: Pod
  readonly atMs: number
}

const sweepMs = 30_000
/** Identifiers that wait to be forgotten; beyond it the oldest go at once. */
const mostFarewells = 1_000_000

export class ClusterCache implements Known {
  readonly #parts: CacheParts
  readonly #pods = new Map<string, Pod>()
  readonly #things = new Map<FieldSource, Map<string, Thing>>()
  #farewells: Farewell[] = []

  constructor(parts: CacheParts) {
    this.#parts = parts
  }

  /** How many identifiers lead to a pod. */
  get size(): number {
    return this.#pods.size
  }

  /** The answer stops it. */
  startSweeping(): () => void {
    return this.#parts.clock.every(sweepMs, () => this.sweep())
  }

  pod(key: string): Pod | undefined {
    return this.#pods.get(key)
  }
  /** Of namespaces and nodes by name, of workloads by uid. */
  thing(kind: FieldSource, key: string): Thing | undefined {
    return this.#things.get(kind)?.get(key)
  }
  replicaSet(uid: string): Thing | undefined {
    return this.thing('replicaset', uid)
  }
  job(uid: string): Thing | undefined {
    return this.thing('job', uid)
  }
  namespace(name: string): Thing | undefined {
    return this.thing('namespace', name)
  }

  putThing(kind: FieldSource, thing: Thing): void {
    let things = this.#things.get(kind)
    if (things === undefined) {
      things = new Map()
      this.#things.set(kind, things)
    }
    const key = keyOf(kind, thing)
    if (key !== '') things.set(key, thing)
  }
  removeThing(kind: FieldSource, thing: Thing): void {
    this.#things.get(kind)?.delete(keyOf(kind, thing))
  }

  putPod(api: ApiPod): void {
    const { rules, association, isExcluded } = this.#parts
    const pod = podOf(api, rules, this, isExcluded)
    const keys = association.keysOf(pod)
    const uidKey = attributeKey('k8s.pod.uid', pod.uid)
    const old = pod.uid === '' ? undefined : this.#pods.get(uidKey)
    for (const key of keys) {
      const there = this.#pods.get(key)
      // A late word of an older pod must not take the address back that a newer one has got.
      if (there !== undefined && isBefore(pod, there)) continue
      this.#pods.set(key, pod)
    }
    if (old === undefined || this.#pods.get(uidKey) !== pod) return
    const current = new Set(keys)
    for (const key of association.keysOf(old)) if (!current.has(key)) this.#sayFarewell(key, old.uid)
  }

  removePod(api: ApiPod): void {
    const { rules, association, isExcluded } = this.#parts
    // The last word of a pod may lack its address; what is filed has it.
    const filed = this.#pods.get(attributeKey('k8s.pod.uid', api.uid))
    for (const key of association.keysOf(filed ?? podOf(api, rules, this, isExcluded))) this.#sayFarewell(key, api.uid)
  }

  /** Forgets what was deleted long enough ago. */
  sweep(): void {
    const dueMs = this.#parts.clock.nowMs() - this.#parts.graceMs
    let due = 0
    for (const { atMs } of this.#farewells) {
      if (atMs > dueMs) break
      due++
    }
    this.#forget(due)
  }

  #sayFarewell(key: string, uid: string): void {
    const pod = this.#pods.get(key)
    if (pod === undefined || pod.uid !== uid) return
    if (this.#farewells.length >= mostFarewells) this.#forget(mostFarewells / 10)
    this.#farewells.push({ key, pod, atMs: this.#parts.clock.nowMs() })
  }

  #forget(count: number): void {
    for (const { key, pod } of this.#farewells.slice(0, count)) if (this.#pods.get(key) === pod) this.#pods.delete(key)
    this.#farewells = this.#farewells.slice(count)
  }
}

function keyOf(kind: FieldSource, { name, uid }: Thing): string {
  return kind === 'namespace' || kind === 'node' ? name : uid
}

function isBefore(one: Pod, other: Pod): boolean {
  return one.startedMs !== undefined && other.startedMs !== undefined && one.startedMs < other.startedMs
}
