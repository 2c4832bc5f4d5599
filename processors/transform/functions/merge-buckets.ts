/** merge_histogram_buckets: fewer buckets for the points of a histogram, in the datapoint context. */
import type { EditableDistribution } from '../../../pipeline/data/distribution-edits.ts'
import { fractionLike } from '../../../pipeline/ottl/functions/params.ts'
import { optional } from '../../../pipeline/ottl/functions/signature.ts'
import { metricEditor } from '../../../pipeline/ottl/metric-rewriting.ts'
import { fail } from '../../../pipeline/ottl/problems.ts'
import { checked, textLiteral } from './arguments.ts'

const methods = ['remove_explicit_bound', 'limit_buckets'] as const
type Method = (typeof methods)[number]
const method = checked(
  textLiteral,
  (text): text is Method => methods.includes(text as Method),
  (text) => `unsupported method "${text}", expected "${methods[0]}" or "${methods[1]}"`,
)
/** Bounds nearer than this to what was asked for are meant. */
const epsilon = 1e-12

export const mergeHistogramBuckets = metricEditor(
  'merge_histogram_buckets',
  { target_value: fractionLike, method: optional(method) },
  ({ target_value: targetOf, method: how = 'remove_explicit_bound' }) =>
    ({ point }, frame) => {
      if (point?.kind !== 'histogram') return
      const target = targetOf(frame) ?? fail('target_value must not be nil')
      const distribution = point.distribution!
      if (how === 'limit_buckets') limit(distribution, target)
      else removeBound(distribution, target)
    },
)

/** Whether bounds and counts belong together; what does not stays as it is. */
function isWhole({ bounds, counts }: EditableDistribution): boolean {
  return counts.length === bounds.length + 1
}

function removeBound(of: EditableDistribution, bound: number): void {
  if (!isWhole(of)) return
  const at = of.bounds.findIndex((one) => Math.abs(one - bound) < epsilon)
  if (at < 0) return
  of.bounds = of.bounds.filter((_, i) => i !== at)
  const counts = of.counts.filter((_, i) => i !== at)
  counts[at]! += of.counts[at]!
  of.counts = counts
}

function limit(of: EditableDistribution, most: number): void {
  if (!Number.isInteger(most) || most < 1 || most > 2 ** 63) {
    fail(`target_value must be a positive integer when method is "limit_buckets", got ${most}`)
  }
  const { bounds, counts } = of
  if (!isWhole(of) || counts.length <= most || !isIncreasing(bounds)) return
  const together = Math.ceil(counts.length / most)
  const fewer = new BigUint64Array(Math.ceil(counts.length / together))
  for (let i = 0; i < counts.length; i++) fewer[Math.floor(i / together)]! += counts[i]!
  of.bounds = bounds.filter((_, i) => (i + 1) % together === 0)
  of.counts = fewer
}

function isIncreasing(bounds: Float64Array): boolean {
  return bounds.every((bound, i) => i === 0 || bound > bounds[i - 1]!)
}
