/** Metrics that a connector derives of each batch: what it says of a resource stands under that resource. */
import { type Emit, Rejected } from './component.ts'
import { type MetricsBuilder, newMetrics } from './data/builders.ts'
import type { Metrics, Origin, Resource } from './data/telemetry.ts'
import { errorMessage } from './error-message.ts'

/** What is derived of the items of one kind in one resource. */
export interface Derived {
  readonly isEmpty: boolean
  writeTo(builder: MetricsBuilder, nowUnixNano: bigint): void
}

export class DerivedMetrics<D extends Derived> {
  private readonly create: () => readonly D[]
  private readonly places: { readonly resource: Resource; readonly kinds: readonly D[] }[] = []

  /** `create` makes what a resource has of each kind of item, in the order in which it is written. */
  constructor(create: () => readonly D[]) {
    this.create = create
  }

  at(place: number, resource: Resource, kind: number): D {
    const found = this.places[place]
    if (found !== undefined) return found.kinds[kind]!
    const kinds = this.create()
    this.places[place] = { resource, kinds }
    return kinds[kind]!
  }

  /** A resource of which nothing was derived is left out. */
  metrics(scopeName: string, origin: Origin, nowUnixNano: bigint): Metrics {
    const builder = newMetrics(origin)
    for (const { resource, kinds } of this.places) {
      if (kinds.every(({ isEmpty }) => isEmpty)) continue
      builder.resource(resource.attributes).scope(scopeName)
      for (const kind of kinds) kind.writeTo(builder, nowUnixNano)
    }
    return builder.build()
  }
}

/** A condition that fails in `derive` refuses the batch, as upstream does. */
export async function emitDerived(derive: () => void, metrics: () => Metrics, emit: Emit): Promise<void> {
  try {
    derive()
  } catch (cause) {
    throw new Rejected(errorMessage(cause), { retryable: true, cause })
  }
  const derived = metrics()
  if (derived.count > 0) await emit.metrics(derived)
}
