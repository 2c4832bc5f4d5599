/**
 * Names of what is emitted: entity times what there is of each. A name becomes text only when somebody asks for it, so 10,000 entities with forty series each
 * are two arithmetic operations a row and no texts.
 */

import { newDictionary } from '../../pipeline/data/dictionary.ts'
import type { Dictionary, PointPlan, Value } from '../../pipeline/data/telemetry.ts'
import { type Entity, entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { type FeatureName, type FeatureSpec, features, marks, windows } from '../../pipeline/vocabulary/features.ts'
import { paneAttributes } from '../../pipeline/vocabulary/panes.ts'
import { heardSignals } from './columns.ts'

interface Kind {
  readonly name: string
  readonly unit: string
  readonly attributes: Readonly<Record<string, string>>
}

const windowNames = Object.keys(windows)
const kinds: Kind[] = []

function add(name: string, unit: string, each: readonly Readonly<Record<string, string>>[]): number {
  for (const attributes of each) kinds.push({ name, unit, attributes })
  return kinds.length - each.length
}

const byWindow = (more: Readonly<Record<string, string>> = {}) => windowNames.map((window) => ({ ...more, window }))

/** Where the series of a feature begin: those of its first quantile by window, then the next quantile's. */
export const placeOf = Object.fromEntries(
  Object.entries(features).map(([name, spec]: [string, FeatureSpec]) => [
    name,
    add(
      name,
      spec.unit,
      (spec.quantiles ?? [undefined]).flatMap((q) => byWindow(q === undefined ? {} : { quantile: q })),
    ),
  ]),
) as Readonly<Record<FeatureName, number>>

export const markPlaces = {
  completeness: add(marks.completeness, '1', byWindow()),
  revision: add(marks.revision, '1', byWindow()),
  sampled: add(marks.sampled, '{span}', byWindow()),
  signalAge: add(
    marks.signalAge,
    's',
    heardSignals.map((signal) => ({ signal })),
  ),
  versionAge: add(marks.versionAge, 's', [{}]),
  hourOfWeek: add(marks.hourOfWeek, '1', [{}]),
  holiday: add(marks.holiday, '1', [{}]),
  causalEdge: add(marks.causalEdge, '1', [{}]),
} as const

const perEntity = kinds.length

/** What has no entity: the calendar, and the edges that a person drew. */
interface Drawn {
  readonly source: string
  readonly target: string
}
type Named = Entity | Drawn | undefined

/** Numbers of entities, never given twice: who reads series ids may keep what they mean. */
class EntityNames implements Dictionary {
  readonly limit = 0xffff_fffe
  readonly overflows = 0
  private readonly named: Named[] = []

  get size(): number {
    return this.named.length * perEntity
  }
  get count(): number {
    return this.named.length
  }

  add(named: Named): number {
    this.named.push(named)
    return this.named.length - 1
  }

  id(): number {
    throw new TypeError('these ids are not made of texts')
  }

  text(id: number): string {
    const number = Math.floor((id - 1) / perEntity)
    const kind = kinds[(id - 1) % perEntity]
    if (kind === undefined || id < 1 || number >= this.named.length) return ''
    const named = this.named[number]
    const isEntity = named !== undefined && 'kind' in named
    const attributes: Record<string, Value> = {
      ...kind.attributes,
      ...(isEntity ? entityPoint(named) : {}),
      ...(named === undefined || isEntity
        ? {}
        : { [paneAttributes.source]: named.source, [paneAttributes.target]: named.target }),
    }
    return JSON.stringify({
      resource: isEntity ? entries(entityResource(named)) : [],
      scope: ['vigil/features', '', []],
      metric: [kind.name, kind.unit, 'gauge', 'none', false],
      attributes: entries(attributes),
    })
  }
}

function entries(attributes: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

export class SeriesIds {
  private names = new EntityNames()
  plan: PointPlan = { dictionary: newDictionary(1), series: this.names }

  constructor() {
    this.names.add(undefined)
  }

  /** Entities and edges that were ever numbered, those that are gone too. */
  get count(): number {
    return this.names.count
  }

  add(named: Entity | Drawn): number {
    return this.names.add(named)
  }

  /** Every number is void: give new ones. */
  startOver(): void {
    this.names = new EntityNames()
    this.names.add(undefined)
    this.plan = { dictionary: newDictionary(1), series: this.names }
  }
}

export function seriesId(number: number, place: number): number {
  return number * perEntity + place + 1
}
