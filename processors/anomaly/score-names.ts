/** Names of what is emitted: entity times what there is of each, as text only when somebody asks, like those of `features`. */
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import type { Dictionary, PointPlan, Value } from '../../pipeline/data/telemetry.ts'
import { type Entity, entityKinds, entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { type FeatureKey, featureAttributes, features, featureText } from '../../pipeline/vocabulary/features.ts'
import { explanations, fused, scoreAttributes, scores } from '../../pipeline/vocabulary/scores.ts'
import { columnsOf } from './columns.ts'

interface Kind {
  readonly name: string
  readonly unit: string
  readonly attributes: Readonly<Record<string, string>>
}

export const detectors = ['seasonal', 'plane', 'novelty'] as const

const kinds: Kind[] = []

function add(name: string, unit: string, attributes: Readonly<Record<string, string>> = {}): number {
  return kinds.push({ name, unit, attributes }) - 1
}
const byDetector = (detector: string) => ({ [scoreAttributes.detector]: detector })

export const places = {
  score: add(scores.score, '1', byDetector(fused)),
  p: add(scores.p, '1', byDetector(fused)),
  cold: add(scores.cold, '1'),
  onset: add(explanations.onset, 's'),
  onsetUncertainty: add(explanations.onsetUncertainty, 's'),
  ofDetector: detectors.map((detector) => add(scores.p, '1', byDetector(detector))),
} as const

export interface FeaturePlaces {
  readonly contribution: number
  readonly observed: number
  readonly lower: number
  readonly upper: number
  readonly samples: number
}

const ofFeature = new Map<string, FeaturePlaces>()
for (const kind of entityKinds) {
  for (const { key, statistic } of columnsOf(kind)) {
    if (statistic === 'support' || ofFeature.has(featureText(key))) continue
    const attributes = {
      [scoreAttributes.feature]: key.name,
      [featureAttributes.window]: key.window,
      ...(key.quantile === '' ? {} : { [featureAttributes.quantile]: key.quantile }),
    }
    const { unit } = features[key.name]
    ofFeature.set(featureText(key), {
      contribution: add(explanations.contribution, '1', attributes),
      observed: add(explanations.observed, unit, attributes),
      lower: add(explanations.expected, unit, { ...attributes, [scoreAttributes.bound]: 'lower' }),
      upper: add(explanations.expected, unit, { ...attributes, [scoreAttributes.bound]: 'upper' }),
      samples: add(explanations.samples, '{sample}', attributes),
    })
  }
}

export function featurePlaces(key: FeatureKey): FeaturePlaces | undefined {
  return ofFeature.get(featureText(key))
}

const perEntity = kinds.length

/** Of the entities of one number each; the numbers count from 0. */
class EntityNames implements Dictionary {
  readonly limit = 0xffff_fffe
  readonly overflows = 0
  readonly #entities: Entity[] = []

  get size(): number {
    return this.#entities.length * perEntity
  }

  add(entity: Entity): number {
    return this.#entities.push(entity) - 1
  }

  id(): number {
    throw new TypeError('these ids are not made of texts')
  }

  text(id: number): string {
    const entity = this.#entities[Math.floor((id - 1) / perEntity)]
    const kind = kinds[(id - 1) % perEntity]
    if (id < 1 || entity === undefined || kind === undefined) return ''
    return JSON.stringify({
      resource: entries(entityResource(entity)),
      scope: ['vigil/anomaly', '', []],
      metric: [kind.name, kind.unit, 'gauge', 'none', false],
      attributes: entries({ ...kind.attributes, ...entityPoint(entity) }),
    })
  }
}

function entries(attributes: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

export class ScoreNames {
  #names = new EntityNames()
  plan: PointPlan = newPlan(this.#names)

  add(entity: Entity): number {
    return this.#names.add(entity)
  }

  /** Entities that were ever named, those that are gone too. */
  get count(): number {
    return this.#names.size / perEntity
  }

  /** Every number is void: give new ones. */
  startOver(): void {
    this.#names = new EntityNames()
    this.plan = newPlan(this.#names)
  }
}

function newPlan(series: Dictionary): PointPlan {
  return { dictionary: new ByteDictionary(1), series }
}

export function seriesId(number: number, place: number): number {
  return number * perEntity + place + 1
}

/** Which of `places` a series id is of. */
export function placeOfSeries(id: number): number {
  return (id - 1) % perEntity
}
