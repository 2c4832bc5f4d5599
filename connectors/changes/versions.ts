/** Which versions of a service there are: one that is new is a deploy, one that comes back while another runs is a rollback. */
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'

/** Seconds since 1970. */
interface Seen {
  readonly first: number
  last: number
}

interface Service {
  readonly entity: Entity
  readonly since: number
  last: number
  readonly versions: Map<string, Seen>
}

export interface VersionChange {
  readonly kind: 'deploy' | 'rollback'
  readonly from: string
  readonly to: string
}

export interface VersionSettings {
  /** Seconds. */
  readonly settle: number
  readonly gone: number
  readonly maxServices: number
}

/** Those that were seen last; a service with more at once has no versions but something else in that attribute. */
const maxVersions = 20

export type SavedVersions = readonly (readonly [
  id: string,
  entity: Entity,
  since: number,
  versions: readonly (readonly [version: string, first: number, last: number])[],
])[]

export class Versions {
  readonly #settings: VersionSettings
  #services = new Map<string, Service>()
  forgotten = 0

  constructor(settings: VersionSettings) {
    this.#settings = settings
  }

  get size(): number {
    return this.#services.size
  }

  /** What hearing of this version now means; undefined where it is as it was. */
  see(entity: Entity, version: string, now: number): VersionChange | undefined {
    const service = this.#serviceOf(entity, now)
    const { versions, since } = service
    const seen = versions.get(version)
    const current = this.#current(service, version, now)
    if (seen === undefined) {
      if (versions.size >= maxVersions) forgetOldest(versions)
      versions.set(version, { first: now, last: now })
      return current === undefined || now - since <= this.#settings.settle
        ? undefined
        : { kind: 'deploy', from: current, to: version }
    }
    const wasGone = now - seen.last > this.#settings.gone
    if (!wasGone || current === undefined) {
      seen.last = Math.max(seen.last, now)
      return undefined
    }
    versions.set(version, { first: now, last: now })
    return { kind: 'rollback', from: current, to: version }
  }

  save(): SavedVersions {
    return Array.from(this.#services, ([id, { entity, since, versions }]) => [
      id,
      entity,
      since,
      Array.from(versions, ([version, { first, last }]) => [version, first, last] as const),
    ])
  }

  restore(saved: SavedVersions): void {
    this.#services = new Map(
      saved.map(([id, entity, since, versions]) => [
        id,
        {
          entity,
          since,
          last: Math.max(since, ...versions.map(([, , last]) => last)),
          versions: new Map(versions.map(([version, first, last]) => [version, { first, last }])),
        },
      ]),
    )
  }

  #serviceOf(entity: Entity, now: number): Service {
    const id = entityId(entity)
    let service = this.#services.get(id)
    if (service === undefined) {
      if (this.#services.size >= this.#settings.maxServices) this.#makeRoom()
      service = { entity, since: now, last: now, versions: new Map() }
      this.#services.set(id, service)
    }
    service.last = Math.max(service.last, now)
    return service
  }

  /** The other version that runs, or ran last: the youngest of those that were heard of last. Of one that comes back only what runs now. */
  #current({ versions }: Service, version: string, now: number): string | undefined {
    const { gone } = this.#settings
    const own = versions.get(version)
    const others = Array.from(versions, ([name, { first, last }]) => ({ name, first, last })).filter(
      ({ name, last }) => name !== version && (own === undefined || (last > own.last && now - last <= gone)),
    )
    const latest = Math.max(...others.map(({ last }) => last))
    return others.filter(({ last }) => latest - last <= gone).sort((a, b) => b.first - a.first)[0]?.name
  }

  #makeRoom(): void {
    const oldest = Array.from(this.#services).sort(([, a], [, b]) => a.last - b.last)
    for (const [id] of oldest.slice(0, Math.ceil(this.#settings.maxServices / 100))) {
      this.#services.delete(id)
      this.forgotten++
    }
  }
}

function forgetOldest(versions: Map<string, Seen>): void {
  let oldest: [string, number] = ['', Number.POSITIVE_INFINITY]
  for (const [name, { last }] of versions) if (last < oldest[1]) oldest = [name, last]
  versions.delete(oldest[0])
}
