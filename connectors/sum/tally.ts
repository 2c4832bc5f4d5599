/** The sums of a batch, resource by resource, and the metrics that they become. */
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { Metrics, Origin, Resource } from '../../pipeline/data/telemetry.ts'
import type { Rule } from './rules.ts'
import { Sums } from './sums.ts'

export class Tally {
  private readonly kinds: readonly (readonly Rule[])[]
  private readonly places: { readonly resource: Resource; readonly kinds: readonly Sums[] }[] = []

  /** The rules of each kind of item that is added up, in the order in which their metrics are written. */
  constructor(kinds: readonly (readonly Rule[])[]) {
    this.kinds = kinds
  }

  at(place: number, resource: Resource, kind: number): Sums {
    const found = this.places[place]
    if (found !== undefined) return found.kinds[kind]!
    const kinds = this.kinds.map((rules) => new Sums(rules))
    this.places[place] = { resource, kinds }
    return kinds[kind]!
  }

  /** A resource in which nothing was added is left out. */
  metrics(origin: Origin, nowUnixNano: bigint): Metrics {
    const builder = newMetrics(origin)
    for (const { resource, kinds } of this.places) {
      if (kinds.every(({ isEmpty }) => isEmpty)) continue
      builder.resource(resource.attributes).scope('')
      for (const sums of kinds) sums.writeTo(builder, nowUnixNano)
    }
    return builder.build()
  }
}
