/** How much the cause moves what users feel, by backdoor regression over the time before and since the onset, with refuters. */

import { causalEffect } from '../../models/causal-effect.ts'
import type { FeatureStore } from '../../pipeline/capability/feature-store.ts'
import type { Cause } from '../../pipeline/vocabulary/diagnosis.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { featureLabel } from '../../pipeline/vocabulary/natural-units.ts'
import type { Findings } from './diagnose.ts'
import type { FeatureSighting } from './feature-sightings.ts'

/** Rows that slide by ten seconds over windows of a minute: every third is taken, and errors may hang together over six. */
const thinning = 3
const lags = 4
const nano = 1_000_000_000n
const load = 'vigil.request.rate{window=1m}'

/** Undefined where cause or surface have no series, or too few rows are there yet. */
export async function effectOf(
  store: FeatureStore,
  { around, figures, times }: Findings,
  node: number,
  random: () => number,
): Promise<Cause['effect']> {
  const treatment = strongest(figures.filter((one) => one.node === node && one.kind !== 'requests'))
  const felt = new Set(around.felt)
  const surface = figures.filter((one) => felt.has(one.node) && (one.kind === 'latency' || one.kind === 'errors'))
  const outcome = strongest(surface)
  if (treatment === undefined || outcome === undefined || treatment.entity === outcome.entity) return undefined
  const seconds = BigInt(Math.max(900, Math.round(Number(times.until - times.onset) / 1e9) * 4))
  const range = { fromUnixNano: times.onset - seconds * nano, untilUnixNano: times.until, step: 10 as const }
  const { values } = await store.history({
    entities: [treatment.entity, outcome.entity],
    columns: [treatment.column, outcome.column, load],
    ...range,
  })
  const thinned = (entity: number, column: number) =>
    Float64Array.from(values[entity]![column]!).filter((_, row) => row % thinning === 0)
  const [t, y, z] = [thinned(0, 0), thinned(1, 1), thinned(1, 2)]
  const effect = causalEffect(
    { treatment: t, outcome: y, confounders: z.every(Number.isNaN) ? [] : [z] },
    { random, lags },
  )
  if (effect === undefined) return undefined
  const { estimate, lower, upper, refutations } = effect
  const name = ({ entity, feature }: FeatureSighting) => {
    const known = around.known.find(({ of }) => of.id === entity)
    return `${featureLabel(feature.name, feature.quantile)} of ${known === undefined ? entity : entityLabel(known.of.entity)}`
  }
  const failed = refutations.filter(({ passed }) => !passed).map((one) => one.name.replaceAll('_', ' '))
  return {
    text: `${name(outcome)} moves ${estimate.toPrecision(2)} for 1 of ${name(treatment)}, load held fixed; ${failed.length === 0 ? 'all refuters pass' : `refuted by ${failed.join(', ')}`}`,
    estimate,
    lower,
    upper,
    refutations: refutations.map(({ name: refuter, passed, value }) => ({
      name: refuter,
      passed,
      value: Number.isFinite(value) ? value : 1e9,
    })),
  }
}

function strongest(figures: readonly FeatureSighting[]): FeatureSighting | undefined {
  return figures.reduce<FeatureSighting | undefined>(
    (best, one) => (one.surprise > (best?.surprise ?? 0) ? one : best),
    undefined,
  )
}
