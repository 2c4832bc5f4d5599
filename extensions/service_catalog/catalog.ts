/** What all sources say, joined by what goes before what: the config, our own format, Backstage, and last what telemetry says of itself. */
import type { CatalogEntry, ServiceCatalog } from '../../pipeline/capability/service-catalog.ts'
import type { Entity, EntityKind } from '../../pipeline/vocabulary/entity.ts'
import type { AttributeNames } from './config.ts'
import { entryOfAttributes } from './names.ts'
import { type CatalogRecord, merged, type Team } from './record.ts'

const nothing: CatalogEntry = Object.freeze({})

export class Catalog implements ServiceCatalog {
  private readonly names: AttributeNames
  private readonly maxServices: number
  /** By kind and name, or alias; the ones that go before come first. */
  private records = new Map<string, CatalogRecord[]>()
  private teams = new Map<string, Team>()
  private count = 0
  /** By service, the longest unseen first. */
  private readonly observed = new Map<string, Seen>()
  private answers = new Map<string, CatalogEntry>()
  forgotten = 0

  constructor(names: AttributeNames, maxServices: number) {
    this.names = names
    this.maxServices = maxServices
  }

  get entries(): number {
    return this.count
  }
  get observedServices(): number {
    return this.observed.size
  }

  /** Takes the place of all that was set before. In the order of what goes before what. */
  set(records: readonly CatalogRecord[], teams: readonly Team[]): void {
    const byName = new Map<string, CatalogRecord[]>()
    const add = (kind: EntityKind, name: string, record: CatalogRecord) => {
      const key = keyOf(kind, name)
      const known = byName.get(key)
      if (known === undefined) byName.set(key, [record])
      else if (!known.includes(record)) known.push(record)
    }
    for (const record of records) add(record.kind, record.name, record)
    // A name goes before an alias.
    for (const record of records) for (const alias of record.entry.aliases ?? []) add(record.kind, alias, record)
    this.records = byName
    this.teams = new Map(teams.toReversed().map((team) => [team.name.toLowerCase(), team]))
    this.count = records.length
    this.answers.clear()
  }

  lookup(entity: Entity): CatalogEntry {
    const { kind, environment, namespace, cluster, service, name } = entity
    const key = `${kind}\n${cluster}\n${environment}\n${namespace}\n${service}\n${name}`
    let answer = this.answers.get(key)
    if (answer === undefined) {
      answer = this.answer(entity)
      // Answers can be made again.
      if (this.answers.size >= 4 * this.maxServices) this.answers.clear()
      this.answers.set(key, answer)
    }
    return answer
  }

  serviceNamed(name: string): string | undefined {
    return this.records.get(keyOf('service', name))?.[0]?.name
  }

  observe(entity: Entity, attributes: Readonly<{ [name: string]: string }>): void {
    const key = observedKey(entity)
    if (key === undefined) return
    const known = this.observed.get(key)
    // Most of the time the same service says the same things.
    if (known?.attributes === attributes && this.observed.size < this.maxServices) return
    const entry = entryOfAttributes(attributes, this.names)
    if (known === undefined && Object.keys(entry).length === 0) return
    const before = known?.entry ?? nothing
    const now = merged(entry, before)
    this.observed.delete(key)
    while (this.observed.size >= this.maxServices) {
      this.observed.delete(this.observed.keys().next().value!)
      this.forgotten++
      this.answers.clear()
    }
    this.observed.set(key, { attributes, entry: now })
    if (JSON.stringify(now) !== JSON.stringify(before)) this.answers.clear()
  }

  private answer(entity: Entity): CatalogEntry {
    const own = this.said(entity.kind, entity.name, entity.environment)
    const service = serviceNameOf(entity)
    // What is part of a service has what its service has; a store is often known as a service of its own.
    const ofService = service === undefined ? nothing : this.said('service', service, entity.environment)
    const key = observedKey(entity)
    const seen = key === undefined ? nothing : (this.observed.get(key)?.entry ?? nothing)
    const all = merged(merged(own, ofService), seen)
    const team = all.owner === undefined ? undefined : this.teams.get(all.owner.toLowerCase())
    const whole = team === undefined ? all : merged(all, { contacts: team.contacts })
    return Object.freeze(whole)
  }

  private said(kind: EntityKind, name: string, environment: string): CatalogEntry {
    const fitting = (this.records.get(keyOf(kind, name)) ?? []).filter(
      (record) => record.environment === undefined || record.environment === environment,
    )
    // What is said of this environment goes before what is said of all.
    const ordered = [
      ...fitting.filter((one) => one.environment !== undefined),
      ...fitting.filter((one) => one.environment === undefined),
    ]
    return ordered.reduce<CatalogEntry>((all, { entry }) => merged(all, entry), nothing)
  }
}

interface Seen {
  readonly attributes: Readonly<{ [name: string]: string }>
  readonly entry: CatalogEntry
}

/** Names are compared without case: Backstage has only small letters. */
function keyOf(kind: EntityKind, name: string): string {
  return `${kind}:${name.toLowerCase()}`
}

function serviceNameOf({ kind, service, name }: Entity): string | undefined {
  if (service !== '') return service
  // An edge is its caller's.
  if (kind === 'edge') return name.split(' -> ', 1)[0]
  return name
}

function observedKey(entity: Entity): string | undefined {
  const service = serviceNameOf(entity)
  if (service === undefined || service === '') return undefined
  return `${entity.cluster}\n${entity.environment}\n${entity.namespace}\n${service}`
}
