/** Keys of upstream's own telemetry (otelconf 0.3.0) that this build reads and checks, and that change nothing. */
import { z } from 'zod'
import { list } from '../config/fields.ts'

const unheard = 'Without effect in this build'
const text = () => z.string().nullish().describe(unheard)
const whole = () => z.int().nullish().describe(unheard)
const flag = () => z.boolean().nullish().describe(unheard)
const anything = () => z.record(z.string(), z.unknown()).nullish().describe(unheard)

export const producers = z
  .array(z.looseObject({ opencensus: anything() }))
  .nullish()
  .describe(unheard)

const names = () => list(z.string()).nullish().describe(unheard)
export const includeExclude = z.strictObject({ included: names(), excluded: names() }).nullish().describe(unheard)

const selector = z.strictObject({
  instrument_name: text(),
  instrument_type: text(),
  meter_name: text(),
  meter_schema_url: text(),
  meter_version: text(),
  unit: text(),
})
const aggregation = z.strictObject({
  base2_exponential_bucket_histogram: z
    .strictObject({ max_scale: whole(), max_size: whole(), record_min_max: flag() })
    .nullish()
    .describe(unheard),
  default: anything(),
  drop: anything(),
  explicit_bucket_histogram: z
    .strictObject({ boundaries: z.array(z.number()).nullish().describe(unheard), record_min_max: flag() })
    .nullish()
    .describe(unheard),
  last_value: anything(),
  sum: anything(),
})
const stream = z.strictObject({
  aggregation: aggregation.nullish().describe(unheard),
  attribute_keys: includeExclude,
  description: text(),
  name: text(),
})
export const views = z
  .array(z.strictObject({ selector: selector.nullish().describe(unheard), stream: stream.nullish().describe(unheard) }))
  .nullish()
  .describe(unheard)

export const spanLimits = z
  .strictObject({
    attribute_count_limit: whole(),
    attribute_value_length_limit: whole(),
    event_attribute_count_limit: whole(),
    event_count_limit: whole(),
    link_attribute_count_limit: whole(),
    link_count_limit: whole(),
  })
  .nullish()
  .describe(unheard)
