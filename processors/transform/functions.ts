/** The functions that only the transform processor has, by the context in which upstream knows them. */
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import type { FunctionSpec } from '../../pipeline/ottl/functions/signature.ts'
import { aggregating } from './functions/aggregate.ts'
import { parseClf } from './functions/common-log-format.ts'
import { conversions } from './functions/conversions.ts'
import { copyAndScale } from './functions/copy-and-scale.ts'
import { eventFormats } from './functions/event-formats.ts'
import { convertExponentialHistogram } from './functions/explicit-buckets.ts'
import { extractions } from './functions/extractions.ts'
import { mergeHistogramBuckets } from './functions/merge-buckets.ts'
import { extractPercentileMetric } from './functions/percentile.ts'
import { setSemconvSpanName } from './functions/span-name.ts'
import { summaryMetricFunctions, summaryPointFunctions } from './functions/summaries.ts'

const byContext: Readonly<Partial<Record<ContextName, readonly FunctionSpec[]>>> = {
  span: [setSemconvSpanName],
  metric: [
    ...conversions,
    ...extractions,
    extractPercentileMetric,
    ...copyAndScale,
    ...aggregating,
    convertExponentialHistogram,
    ...summaryMetricFunctions,
  ],
  datapoint: [...summaryPointFunctions, mergeHistogramBuckets],
  log: [parseClf, ...eventFormats],
}

export function transformFunctions(context: ContextName): readonly FunctionSpec[] {
  return byContext[context] ?? []
}
