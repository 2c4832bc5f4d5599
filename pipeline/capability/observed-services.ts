/** Tells a service catalog what the resources of passing telemetry say of their services: team labels, tiers, runbooks. */
import type { Clock, Context } from '../component.ts'
import { identityOf } from '../data/identity.ts'
import type { Editable, Resource } from '../data/telemetry.ts'
import { asText } from '../data/value.ts'
import { resourceService } from '../vocabulary/entity.ts'
import { type ServiceCatalog, serviceCatalog } from './service-catalog.ts'

/** Resources that were told of; when there are more all are told of again. */
const maxKnown = 10_000
/** The catalog forgets whom it has not heard of for longest, and may have been started anew: so often it is told again. */
const repeatMs = 600_000

/** The catalog of a setting that names an extension. Throws with the cure when no such extension runs. */
export function serviceCatalogOf(context: Pick<Context, 'extension'>, extension: string): ServiceCatalog {
  try {
    return context.extension(serviceCatalog, extension)
  } catch (cause) {
    throw new Error(
      `no service catalog "${extension}": add service_catalog to extensions and to service::extensions, or leave service_catalog out`,
      { cause },
    )
  }
}

/** A batch of any signal that has resources. */
interface WithResources {
  editResources(change: (resource: Editable<Resource>) => void): unknown
}

export class ObservedServices {
  private readonly catalog: ServiceCatalog
  private readonly clock: Clock
  private readonly known = new Set<string>()
  private repeatAtMs: number

  constructor(catalog: ServiceCatalog, clock: Clock) {
    this.catalog = catalog
    this.clock = clock
    this.repeatAtMs = clock.nowMs() + repeatMs
  }

  /** O(resources of the batch): the catalog hears of each resource once, and again every ten minutes. */
  see(batch: WithResources): void {
    const nowMs = this.clock.nowMs()
    if (nowMs >= this.repeatAtMs) {
      this.known.clear()
      this.repeatAtMs = nowMs + repeatMs
    }
    // Nothing is set, so the batch stays as it is.
    batch.editResources(({ attributes }) => {
      const identity = identityOf(attributes)
      if (this.known.has(identity)) return
      if (this.known.size >= maxKnown) this.known.clear()
      this.known.add(identity)
      const service = resourceService(attributes)
      if (service === undefined) return
      const texts = Array.from(attributes.entries(), ([key, value]) => [key, asText(value)] as const)
      this.catalog.observe(service, Object.fromEntries(texts))
    })
  }
}
