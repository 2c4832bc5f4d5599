/** The counts of a batch, resource by resource, and the metrics that they become. */
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { Metrics, Origin, Resource } from '../../pipeline/data/telemetry.ts'
import { Counts } from './counts.ts'
import type { Rule } from './rules.ts'

/** Upstream's, since whoever reads the metrics may select by it. */
const scopeName = 'github.com/open-telemetry/opentelemetry-collector-contrib/connector/countconnector'

export class Tally {
  private readonly kinds: readonly (readonly Rule[])[]
  private readonly places: { readonly resource: Resource; readonly kinds: readonly Counts[] }[] = []

  /** The rules of each kind of item that is counted, in the order in which their metrics are written. */
  constructor(kinds: readonly (readonly Rule[])[]) {
    this.kinds = kinds
  }

  at(place: number, resource: Resource, kind: number): Counts {
    const found = this.places[place]
    if (found !== undefined) return found.kinds[kind]!
    const kinds = this.kinds.map((rules) => new Counts(rules))
    this.places[place] = { resource, kinds }
    return kinds[kind]!
  }

  /** A resource in which nothing was counted is left out. */
  metrics(origin: Origin, nowUnixNano: bigint): Metrics {
    const builder = newMetrics(origin)
    for (const { resource, kinds } of this.places) {
      if (kinds.every(({ isEmpty }) => isEmpty)) continue
      builder.resource(resource.attributes).scope(scopeName)
      for (const counts of kinds) counts.writeTo(builder, nowUnixNano)
    }
    return builder.build()
  }
}
