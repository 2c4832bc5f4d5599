/** What an extension knows of services that telemetry does not say: whose they are, how much they matter, what to do. */
import type { Entity } from '../vocabulary/entity.ts'
import { capability } from './capability.ts'

/** 1 = users notice at once, 4 = nobody is woken. */
export type Tier = 1 | 2 | 3 | 4

export interface CatalogEntry {
  /** The team that answers for it; what page budgets are counted by. */
  readonly owner?: string
  readonly tier?: Tier
  /** URL or Markdown. */
  readonly runbook?: string
  /** How to reach the owner, by channel: `slack`, `email`, `pagerduty`. */
  readonly contacts?: Readonly<Record<string, string>>
  /** Names of the SLOs that it has: OpenSLO's `metadata.name`. */
  readonly slos?: readonly string[]
  readonly description?: string
  /** As Backstage has it: `production`, `experimental`, `deprecated`. */
  readonly lifecycle?: string
  /** Names that other systems have for it. */
  readonly aliases?: readonly string[]
}

export interface ServiceCatalog {
  /** What is known of an entity or, for what is part of a service, of its service; empty where nothing is. Cheap. */
  lookup(entity: Entity): CatalogEntry
  /** The service that goes by this name or alias, as telemetry calls it; undefined where nobody said. */
  serviceNamed?(name: string): string | undefined
  /** Told by components that see a service's resource attributes or labels pass, so that what these say is known too. */
  observe(entity: Entity, attributes: Readonly<Record<string, string>>): void
}

export const serviceCatalog = capability<ServiceCatalog>('service catalog')
