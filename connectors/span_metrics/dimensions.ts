/** Which attributes become dimensions of which metric: what `config.ts` says, prepared for lookups. */

import type { Config, Dimension } from './config.ts'
import { compileGlob } from './glob.ts'

export interface NamedDimension {
  readonly name: string
  /** Its number among the attributes that a `SpanScan` looks for. */
  readonly slot: number
  readonly default: string | undefined
}
export interface Dimensions {
  readonly named: readonly NamedDimension[]
  readonly globs: readonly RegExp[]
}
export interface DimensionPlan {
  /** The names of all, each once: what a scan looks for. */
  readonly names: readonly string[]
  readonly hasGlobs: boolean
  /** The dimensions of all metrics, and then those of each. */
  readonly common: Dimensions
  readonly calls: Dimensions
  readonly durations: Dimensions
  readonly events: Dimensions
  /** Whether `calls` and `duration` have the same series. */
  readonly isShared: boolean
}

export function planDimensions(settings: Config): DimensionPlan {
  const names: string[] = []
  const prepare = (dimensions: readonly Dimension[]): Dimensions => {
    const named: NamedDimension[] = []
    const globs: RegExp[] = []
    for (const { name, glob, default: value } of dimensions) {
      if (glob !== '') {
        const compiled = compileGlob(glob)
        if (compiled instanceof RegExp) globs.push(compiled)
        continue
      }
      if (!names.includes(name)) names.push(name)
      named.push({ name, slot: names.indexOf(name), default: value })
    }
    return { named, globs }
  }
  const common = prepare(settings.dimensions)
  const calls = prepare(settings.calls_dimensions)
  const durations = prepare(settings.histogram.dimensions)
  const events = prepare(settings.events.enabled ? settings.events.dimensions : [])
  const hasGlobs = [common, calls, durations, events].some(({ globs }) => globs.length > 0)
  const isShared = [calls, durations].every(({ named, globs }) => named.length === 0 && globs.length === 0)
  return { names, hasGlobs, common, calls, durations, events, isShared }
}
