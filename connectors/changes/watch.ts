/** What of telemetry is a change of the system, told once: by whom it was told first, and whatever else is said of the same. */
import { identityOf } from '../../pipeline/data/identity.ts'
import type { Attributes, Batch, Logs, Origin, Resource } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import type { Change } from '../../pipeline/vocabulary/change.ts'
import { type Entity, entityId, entityLabel, resourceService, versionName } from '../../pipeline/vocabulary/entity.ts'
import { eventId, schemaVersion } from '../../pipeline/vocabulary/event.ts'
import type { Config } from './config.ts'
import { type ClusterChange, Kubernetes } from './kubernetes.ts'
import { type SavedVersions, type VersionChange, Versions } from './versions.ts'

/** A deploy that was told of: what is said of it later is the same event. */
interface Told {
  readonly id: string
  /** Nanoseconds since 1970. */
  readonly time: bigint
}

export interface Saved {
  readonly versions: SavedVersions
  readonly sets: ReturnType<Kubernetes['save']>
  readonly told: readonly (readonly [string, Told])[]
  readonly workloads: readonly (readonly [string, Entity])[]
}

type Tell = (change: Change, origin: Origin) => void

/** Resources that were looked at; when there are more, all are looked at again. */
const maxKnown = 10_000
/** So often a version that runs is noted, in seconds: more would cost and say nothing more. */
const noteSeconds = 10
const maxTold = 1_000
const maxWorkloads = 10_000

interface Known {
  readonly entity: Entity
  readonly version: string
  notedAt: number
}

export class ChangeWatch {
  readonly #settings: Config
  readonly #tell: Tell
  readonly #nowUnixNano: () => bigint
  readonly #versions: Versions
  readonly #kubernetes = new Kubernetes()
  /** By resource; null = it says no version. */
  #known = new Map<string, Known | null>()
  /** By service: its last deploy. */
  #told = new Map<string, Told>()
  /** By cluster, namespace and workload: the service whose pods these are. */
  #workloads = new Map<string, Entity>()

  constructor(settings: Config, nowUnixNano: () => bigint, tell: Tell) {
    this.#settings = settings
    this.#nowUnixNano = nowUnixNano
    this.#tell = tell
    this.#versions = new Versions({
      settle: settings.settle / 1_000,
      gone: settings.version_gone / 1_000,
      maxServices: settings.max_services,
    })
  }

  get services(): number {
    return this.#versions.size
  }
  get forgotten(): number {
    return this.#versions.forgotten
  }

  /** O(resources) but where one has a version that was not there. */
  see(batch: Exclude<Batch, { readonly signal: 'profiles' }>): void {
    const now = Number(this.#nowUnixNano()) / 1e9
    const fresh: Known[] = []
    // Nothing is set, so the batch stays as it is.
    batch.editResources(({ attributes }) => {
      const known = this.#knownOf(attributes)
      if (known === null || now - known.notedAt < noteSeconds) return
      known.notedAt = now
      fresh.push(known)
    })
    for (const { entity, version } of fresh) {
      const change = this.#versions.see(entity, version, now)
      if (change !== undefined)
        this.#tell(
          this.#ofVersion(entity, change, firstOf(batch, entity, version) ?? this.#nowUnixNano()),
          batch.origin,
        )
    }
  }

  /** Events of Kubernetes among log records. */
  read(batch: Logs): void {
    for (const record of batch) {
      const told = this.#kubernetes.read(record)
      if (told === undefined) continue
      const time = record.timeUnixNano || record.observedUnixNano || this.#nowUnixNano()
      const change = this.#ofCluster(told, time)
      if (change !== undefined) this.#tell(change, batch.origin)
    }
  }

  save(): Saved {
    return {
      versions: this.#versions.save(),
      sets: this.#kubernetes.save(),
      told: [...this.#told],
      workloads: [...this.#workloads],
    }
  }

  restore({ versions, sets, told, workloads }: Saved): void {
    this.#versions.restore(versions)
    this.#kubernetes.restore(sets)
    this.#told = new Map(told)
    this.#workloads = new Map(workloads)
  }

  #knownOf(attributes: Attributes): Known | null {
    const identity = identityOf(attributes)
    let known = this.#known.get(identity)
    if (known !== undefined) return known
    const entity = resourceService(attributes)
    const version = versionName(attributes)
    known = entity === undefined || version === '' ? null : { entity, version, notedAt: Number.NEGATIVE_INFINITY }
    if (this.#known.size >= maxKnown) this.#known.clear()
    this.#known.set(identity, known)
    if (entity !== undefined) this.#learnWorkload(entity, attributes)
    return known
  }

  #learnWorkload(entity: Entity, attributes: Attributes): void {
    const text = (key: string) => {
      const value = attributes.get(key)
      return value === undefined ? '' : asText(value)
    }
    for (const kind of ['deployment', 'statefulset', 'daemonset']) {
      const name = text(`k8s.${kind}.name`)
      if (name === '') continue
      const key = `${entity.cluster}/${text('k8s.namespace.name')}/${name}`
      this.#workloads.delete(key)
      if (this.#workloads.size >= maxWorkloads) this.#workloads.delete(this.#workloads.keys().next().value!)
      this.#workloads.set(key, entity)
    }
  }

  #ofVersion(entity: Entity, { kind, from, to }: VersionChange, first: bigint): Change {
    const key = entityId(entity)
    const told = this.#told.get(key)
    const isSame = told !== undefined && distance(told.time, first) <= this.#settings.same_within
    const id = isSame ? told.id : eventId('vigil.change', key, 'version', from, to, minuteOf(first))
    const time = isSame ? told.time : first
    const text =
      kind === 'deploy'
        ? `${entityLabel(entity)} ${to} runs, before it was ${from}`
        : `${entityLabel(entity)} is back at ${to}, it was ${from}`
    return { ...this.#envelope(id, entity, time, text), kind, source: 'version', from, to }
  }

  #ofCluster(told: ClusterChange, time: bigint): Change | undefined {
    const { cluster, namespace, name, isNode, kind, reference, from, to, detail } = told
    const alone = { cluster, environment: '', namespace: '', service: '', name }
    const entity: Entity = isNode
      ? { kind: 'node', ...alone }
      : (this.#workloads.get(`${cluster}/${namespace}/${name}`) ?? { kind: 'service', ...alone })
    const key = entityId(entity)
    const id = eventId('vigil.change', key, kind, reference, to ?? '', minuteOf(time))
    if (kind === 'deploy' || kind === 'rollback') {
      const before = this.#told.get(key)
      // The same event once more, as a receiver that starts again sends it.
      if (before?.id === id) return undefined
      this.#told.delete(key)
      if (this.#told.size >= maxTold) this.#told.delete(this.#told.keys().next().value!)
      this.#told.set(key, { id, time })
    }
    return {
      ...this.#envelope(id, entity, time, `${entityLabel(entity)}: ${detail || kind}`),
      kind,
      state: kind === 'deploy' ? 'started' : 'finished',
      source: 'kubernetes',
      reference,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      detail,
    }
  }

  #envelope(id: string, entity: Entity, time: bigint, text: string) {
    return {
      schema: schemaVersion,
      id,
      entity,
      time: String(time),
      observed_time: String(this.#nowUnixNano()),
      severity: 'low',
      state: 'finished',
      text,
    } as const
  }
}

/** Milliseconds between two times. */
function distance(a: bigint, b: bigint): number {
  return Math.abs(Number(a - b)) / 1e6
}

function minuteOf(unixNano: bigint): string {
  return String(unixNano / 60_000_000_000n)
}

/** When the first item of this version was, in the batch that told of it; nanoseconds. */
function firstOf(
  batch: Exclude<Batch, { readonly signal: 'profiles' }>,
  entity: Entity,
  version: string,
): bigint | undefined {
  const id = entityId(entity)
  let first: bigint | undefined
  const look = (resource: Resource, time: bigint) => {
    if (time === 0n || (first !== undefined && time >= first)) return
    const service = resourceService(resource.attributes)
    if (service !== undefined && versionName(resource.attributes) === version && entityId(service) === id) first = time
  }
  if (batch.signal === 'traces') for (const span of batch) look(span.resource, span.startUnixNano)
  else if (batch.signal === 'logs') for (const record of batch) look(record.resource, record.timeUnixNano)
  else for (const point of batch) look(point.resource, point.timeUnixNano)
  return first
}
