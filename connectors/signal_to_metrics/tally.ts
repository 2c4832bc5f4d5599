/** What a batch adds up to: by resource as the metrics keep it, in it by metric. */
import { newMetrics } from '../../pipeline/data/builders.ts'
import { valueText } from '../../pipeline/data/identity.ts'
import type { Attributes, In, Metrics, Origin, Value } from '../../pipeline/data/telemetry.ts'
import type { Frame } from '../../pipeline/ottl/frame.ts'
import { newSeries, type Series } from './accumulators.ts'
import type { Definition } from './definition.ts'

/** Upstream's, since whoever reads the metrics may select by it. */
const scopeName = 'github.com/open-telemetry/opentelemetry-collector-contrib/connector/signaltometricsconnector'

interface Target {
  readonly attributes: Readonly<Record<string, Value>>
  readonly byMetric: Map<string, Series>
}

export class Tally {
  private readonly definitions: readonly Definition[]
  private readonly instanceId: string
  private readonly onFailure: (definition: Definition, error: unknown) => void
  /** By the resource of the item and the definition. */
  private readonly targets = new Map<number, Target>()
  private readonly byAttributes = new Map<string, Target>()

  /** `onFailure` hears when a value cannot be had, and throws where that refuses the batch. */
  constructor(
    definitions: readonly Definition[],
    instanceId: string,
    onFailure: (definition: Definition, error: unknown) => void,
  ) {
    this.definitions = definitions
    this.instanceId = instanceId
    this.onFailure = onFailure
  }

  /** `place` is the number of the item's resource, `frame` stands on the item. */
  add(attributes: Attributes, item: In, place: number, frame: Frame): void {
    for (const [index, definition] of this.definitions.entries()) {
      if (!definition.attributes.matches(attributes)) continue
      const kept = definition.attributes.of(attributes, frame)
      if (definition.conditions !== undefined && !definition.conditions.test(frame)) continue
      const target = this.targetOf(place, index, definition, item, frame)
      try {
        const observation = definition.observe(frame)
        if (observation === undefined) continue
        const id = kept.map(([name, value]) => `${name.length}:${name}${valueText(value)}`).join('')
        this.seriesOf(target, definition)
          .point(id, () => Object.fromEntries(kept))
          .add(observation)
      } catch (error) {
        this.onFailure(definition, error)
      }
    }
  }

  metrics(origin: Origin, nowUnixNano: bigint): Metrics {
    const builder = newMetrics(origin)
    const identities = new Set(this.definitions.map(({ identity }) => identity))
    for (const { attributes, byMetric } of this.byAttributes.values()) {
      if (byMetric.size === 0) continue
      builder.resource(attributes).scope(scopeName)
      for (const identity of identities) byMetric.get(identity)?.writeTo(builder, nowUnixNano)
    }
    return builder.build()
  }

  private seriesOf({ byMetric }: Target, definition: Definition): Series {
    let series = byMetric.get(definition.identity)
    if (series === undefined) byMetric.set(definition.identity, (series = newSeries(definition)))
    return series
  }

  private targetOf(place: number, index: number, definition: Definition, { resource }: In, frame: Frame): Target {
    const known = this.targets.get(place * this.definitions.length + index)
    if (known !== undefined) return known
    const { resourceAttributes: picks } = definition
    const kept = picks.isEmpty
      ? [...new Map([...resource.attributes.entries()].reverse())]
      : picks.of(resource.attributes, frame)
    if (this.instanceId !== '') kept.push(['signal_to_metrics.service.instance.id', this.instanceId])
    const id = kept
      .map(([name, value]) => `${name.length}:${name}${valueText(value)}`)
      .sort()
      .join('')
    let target = this.byAttributes.get(id)
    if (target === undefined) {
      target = { attributes: Object.fromEntries(kept), byMetric: new Map() }
      this.byAttributes.set(id, target)
    }
    this.targets.set(place * this.definitions.length + index, target)
    return target
  }
}
