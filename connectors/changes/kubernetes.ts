/** Events of Kubernetes that say that somebody changed something, as the receivers `k8s_events` and `k8sobjects` write them. Most events are none: pods come and go. */
import type { LogRecord, Resource, Value } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import type { Change } from '../../pipeline/vocabulary/change.ts'

export interface ClusterChange extends Pick<Change, 'kind'> {
  readonly cluster: string
  readonly namespace: string
  /** A workload's name, or a node's. */
  readonly name: string
  readonly isNode: boolean
  readonly reference: string
  readonly from?: string
  readonly to?: string
  /** What Kubernetes says. */
  readonly detail: string
}

interface Event {
  readonly reason: string
  readonly message: string
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly uid: string
}

/** Of a node: what a person or the cloud does to it. That it fails is no change. */
const nodeReasons: ReadonlySet<string> = new Set([
  'NodeNotSchedulable',
  'NodeSchedulable',
  'Rebooted',
  'RegisteredNode',
  'RemovingNode',
  'DeletingNode',
  'Shutdown',
  'Drain',
])

const scaledSet = /^Scaled (up|down) replica set (\S+?)(?: from (\d+))? to (\d+)/
const newSize = /^New size: (\d+); reason: (.+)$/s
const rolledBack = /revision "?(\d+)"?/

/** Replica sets of a deployment that are remembered, and deployments. */
const maxSets = 20
const maxWorkloads = 10_000

export class Kubernetes {
  /** By workload: names of the replica sets that there were, the oldest first. */
  #sets = new Map<string, string[]>()

  /** Undefined for a record that is no event of Kubernetes, or one that changes nothing. */
  read(record: LogRecord & { readonly resource: Resource }): ClusterChange | undefined {
    const event = eventOf(record)
    if (event === undefined) return undefined
    const cluster = textOf(record.resource.attributes.get('k8s.cluster.name'))
    const { namespace, name, message, uid } = event
    const about = { cluster, namespace, name, isNode: false, reference: uid || name, detail: message.slice(0, 4_096) }
    switch (event.reason) {
      case 'ScalingReplicaSet':
        return this.#scaled(about)
      case 'DeploymentRollback': {
        const to = rolledBack.exec(message)?.[1]
        return { ...about, kind: 'rollback', ...(to === undefined ? {} : { to: `revision ${to}` }) }
      }
      case 'SuccessfulRescale': {
        const to = newSize.exec(message)?.[1]
        return to === undefined ? undefined : { ...about, kind: 'scaling', to: `${to} replicas` }
      }
      default:
        if (event.kind !== 'Node' || !nodeReasons.has(event.reason)) return undefined
        return { ...about, isNode: true, namespace: '', kind: 'infrastructure', to: event.reason }
    }
  }

  save(): readonly (readonly [string, readonly string[]])[] {
    return [...this.#sets]
  }

  restore(saved: readonly (readonly [string, readonly string[]])[]): void {
    this.#sets = new Map(saved.map(([workload, sets]) => [workload, [...sets]]))
  }

  /** A replica set that was not there before and comes from nothing is a new version; otherwise their number changes. */
  #scaled(about: Omit<ClusterChange, 'kind'>): ClusterChange | undefined {
    const [, direction, set = '', from, to = ''] = scaledSet.exec(about.detail) ?? []
    if (set === '') return undefined
    const workload = `${about.cluster}/${about.namespace}/${about.name}`
    const known = this.#sets.get(workload) ?? []
    const isKnown = known.includes(set)
    if (!isKnown) this.#remember(workload, [...known, set].slice(-maxSets))
    if (direction === 'up' && !isKnown && (from === '0' || (from === undefined && known.length > 0)))
      return { ...about, kind: 'deploy', reference: set }
    // What is left of a rollout: one set shrinks while the other grows.
    if (known.length > (isKnown ? 1 : 0) || from === '0' || to === '0') return undefined
    return {
      ...about,
      kind: 'scaling',
      reference: set,
      ...(from && { from: `${from} replicas` }),
      to: `${to} replicas`,
    }
  }

  #remember(workload: string, sets: string[]): void {
    this.#sets.delete(workload)
    if (this.#sets.size >= maxWorkloads) this.#sets.delete(this.#sets.keys().next().value!)
    this.#sets.set(workload, sets)
  }
}

function eventOf({ attributes, body, resource }: LogRecord & { readonly resource: Resource }): Event | undefined {
  const reason = attributes.get('k8s.event.reason')
  if (reason !== undefined) {
    const of = (key: string) => textOf(attributes.get(key) ?? resource.attributes.get(key))
    return {
      reason: textOf(reason),
      message: textOf(body),
      kind: of('k8s.object.kind'),
      name: of('k8s.object.name'),
      namespace: of('k8s.namespace.name'),
      uid: of('k8s.event.uid'),
    }
  }
  // Of `k8sobjects`: the object itself, or what a watch says of it.
  const said = mapOf(body)
  const object = mapOf(said['object'])['kind'] === undefined ? said : mapOf(said['object'])
  if (object['kind'] !== 'Event') return undefined
  const about = mapOf(object['regarding'] ?? object['involvedObject'])
  return {
    reason: textOf(object['reason']),
    message: textOf(object['note'] ?? object['message']),
    kind: textOf(about['kind']),
    name: textOf(about['name']),
    namespace: textOf(about['namespace']),
    uid: textOf(mapOf(object['metadata'])['uid']),
  }
}

type Fields = { readonly [key: string]: Value }

function mapOf(value: Value | undefined): Fields {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  return isMap ? (value as Fields) : {}
}

function textOf(value: Value | undefined): string {
  return value === undefined || value === null ? '' : asText(value)
}
