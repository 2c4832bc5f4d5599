/** The models of a config: which one an item goes to, and what it says of it. */
import { isDeepStrictEqual } from 'node:util'
import type { Inference } from '../../pipeline/capability/inference.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Attributes, Resource } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { Slices } from '../../pipeline/slices.ts'
import { type Config, msOf } from './config.ts'
import { type Feature, finite } from './features.ts'
import { LearnedForest, type SavedForest } from './learned-forest.ts'

interface Model<Item> {
  /** Empty for the one that is there without `models`. */
  readonly name: string
  readonly selector: readonly (readonly [key: string, text: string])[]
  readonly columns: readonly Feature<Item>[]
  /** Names of the columns. */
  readonly features: readonly string[]
  readonly forest: LearnedForest
}

export interface Verdict {
  readonly score: number
  readonly isOdd: boolean
  readonly model: string
}

/** Items of a model that are judged next: which ones, and their columns one after the other. */
interface Waiting {
  readonly places: number[]
  readonly values: number[]
}

/** Where an item's attributes are looked for. */
interface Described {
  readonly attributes: Attributes
  readonly resource: Resource
}

/** A hundred trees take some ten microseconds an item. */
const itemsAtOnce = 256
const nothing: Verdict = { score: 0, isOdd: false, model: '' }
const bytesPerValue = 8

export class Scorer<Item extends Described> {
  private readonly models: readonly Model<Item>[]
  private readonly settings: Config
  private readonly context: Context
  /** Where a selector looks first. */
  private readonly selects: 'item' | 'resource'
  private sinceCheck = 0
  private lastCheckMs = 0
  items = 0
  odd = 0

  constructor(
    names: readonly string[],
    known: Readonly<Record<string, () => Feature<Item>>>,
    settings: Config,
    context: Context,
    selects: 'item' | 'resource' = 'item',
  ) {
    this.settings = settings
    this.context = context
    this.selects = selects
    // A feature is made once, so that models share what it remembers.
    const made = new Map<string, Feature<Item>>()
    const featureOf = (name: string) => {
      const feature = made.get(name) ?? (Object.hasOwn(known, name) ? known[name]!() : undefined)
      if (feature !== undefined) made.set(name, feature)
      return feature === undefined ? [] : [[name, feature] as const]
    }
    const configs = settings.models.length > 0 ? settings.models : [undefined]
    this.models = configs.map((model): Model<Item> => {
      const wanted = model === undefined || model.features.length === 0 ? names : model.features
      const found = [...new Set(wanted)].flatMap(featureOf)
      const [features, columns] = [found.map(([name]) => name), found.map(([, column]) => column)]
      const forest = new LearnedForest(Math.max(1, columns.length), this.windowFor(columns.length, configs.length), {
        trees: model?.forest_size || settings.forest_size,
        subsample: model?.subsample_size || settings.subsample_size,
        contamination: model?.contamination_rate || settings.contamination_rate,
        minSamples: Math.max(2, settings.min_samples),
        trainingWindowMs: msOf(settings.training_window),
        random: context.random,
      })
      return { name: model?.name ?? '', selector: Object.entries(model?.selector ?? {}), columns, features, forest }
    })
  }

  get trained(): number {
    return this.models.filter(({ forest }) => forest.isTrained).length
  }
  get windowSize(): number {
    return this.models.reduce((sum, { columns, forest }) => sum + (columns.length === 0 ? 0 : forest.windowSize), 0)
  }

  /** One verdict an item, in order; of many items the first ones are learned before the last ones are judged. */
  async judge(items: Iterable<Item>): Promise<readonly Verdict[]> {
    const slices = new Slices(this.context.clock)
    const verdicts: Verdict[] = []
    const waiting = this.models.map((): Waiting => ({ places: [], values: [] }))
    for (const item of items) {
      const at = this.modelOf(item)
      const { places, values } = waiting[at]!
      places.push(verdicts.length)
      verdicts.push(nothing)
      for (const column of this.models[at]!.columns) values.push(finite(column(item)))
      if (verdicts.length % itemsAtOnce !== 0) continue
      await this.decide(waiting, verdicts)
      if (slices.isOver) await slices.pause()
    }
    await this.decide(waiting, verdicts)
    this.items += verdicts.length
    this.sinceCheck += verdicts.length
    return verdicts
  }

  private async decide(waiting: readonly Waiting[], verdicts: Verdict[]): Promise<void> {
    const nowMs = this.nowMs()
    for (const [i, { name, columns, forest }] of this.models.entries()) {
      const { places, values } = waiting[i]!
      // As upstream: without features there is nothing to say.
      if (columns.length > 0 && places.length > 0) {
        const { scores, threshold } = await forest.take(values, nowMs)
        for (const [row, place] of places.entries()) {
          const isOdd = scores[row]! > threshold
          verdicts[place] = { score: scores[row]!, isOdd, model: name }
          if (isOdd) this.odd++
        }
      }
      places.length = 0
      values.length = 0
    }
  }

  scoreBy(inference: Inference): void {
    for (const { forest } of this.models) forest.scoreBy(inference)
  }

  close(): void {
    for (const { forest } of this.models) forest.close()
  }

  /** What `update_frequency` asks for. */
  grow(): void {
    for (const { columns, forest } of this.models) if (columns.length > 0) forest.grow(this.nowMs())
  }

  /** What `stability_check_interval` asks for: more items where many come, fewer where they take too much. */
  adapt(): void {
    const { adaptive_window: of } = this.settings
    const nowMs = this.nowMs()
    const seconds = (nowMs - this.lastCheckMs) / 1_000
    const velocity = this.lastCheckMs === 0 || seconds <= 0 ? 0 : this.sinceCheck / seconds
    this.lastCheckMs = nowMs
    this.sinceCheck = 0
    let bytes = 0
    for (const { forest } of this.models) bytes += forest.windowSize * (forest.width + 2) * bytesPerValue
    for (const { columns, forest } of this.models) {
      if (columns.length === 0) continue
      const isTooMuch = bytes > of.memory_limit_mb * 2 ** 20
      const factor = isTooMuch ? 1 - of.adaptation_rate : velocity > of.velocity_threshold ? 1 + of.adaptation_rate : 1
      const size = Math.min(of.max_window_size, Math.max(of.min_window_size, Math.round(forest.windowSize * factor)))
      if (size !== forest.windowSize) forest.resize(size)
    }
  }

  save(): SavedScorer {
    return this.models.map(({ name, features, forest }) => ({ name, features, forest: forest.save() }))
  }

  restore(saved: SavedScorer): void {
    for (const { name, features, forest } of saved) {
      // A forest of other columns would take one number for another.
      const model = this.models.find((one) => one.name === name && isDeepStrictEqual(one.features, features))
      model?.forest.restore(forest)
    }
  }

  private nowMs(): number {
    return Number(this.context.clock.nowUnixNano() / 1_000_000n)
  }

  private windowFor(width: number, models: number): number {
    if (width === 0) return 1
    const { performance, adaptive_window } = this.settings
    const wanted = adaptive_window.enabled ? adaptive_window.min_window_size : performance.batch_size
    const fitting = Math.floor((performance.max_memory_mb * 2 ** 20) / ((width + 2) * bytesPerValue * models))
    return Math.max(2, Math.min(wanted, fitting))
  }

  /** The first one whose selector fits, and else the first. */
  private modelOf(item: Item): number {
    const { models } = this
    if (models.length === 1) return 0
    const at = models.findIndex(({ selector }) =>
      selector.every(([key, text]) => {
        const own = this.selects === 'item' ? item.attributes.get(key) : undefined
        const value = own ?? item.resource.attributes.get(key)
        return value !== undefined && asText(value) === text
      }),
    )
    return Math.max(0, at)
  }
}

export type SavedScorer = readonly {
  readonly name: string
  readonly features: readonly string[]
  readonly forest: SavedForest
}[]
