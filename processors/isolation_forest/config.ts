import { z } from 'zod'
import { parseDuration } from '../../pipeline/config/duration.ts'
import { componentId, list } from '../../pipeline/config/fields.ts'

const withoutEffect = 'Without effect, as upstream'
const features = (defaults: readonly string[], what: string) =>
  list(z.string())
    .default([...defaults])
    .describe(`What is looked at: ${what}.`)

const model = z.strictObject({
  name: z.string().default('').describe('Goes with each item as `anomaly.model_name`.'),
  selector: z
    .record(z.string(), z.string())
    .default({})
    .describe('Attributes of the item or its resource that it must have; of a metric those of its resource.'),
  features: list(z.string()).default([]).describe('Which features it looks at; none = those of `features`.'),
  threshold: z.number().default(0).describe(`${withoutEffect}.`),
  forest_size: z.int().min(0).max(1_000).default(0).describe('How many trees; 0 = as many as `forest_size`.'),
  subsample_size: z.int().min(0).default(0).describe('Items that each tree sees; 0 = `subsample_size`.'),
  contamination_rate: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Share that is called odd; 0 = `contamination_rate`.'),
})

export const config = z
  .strictObject({
    forest_size: z.int().default(100).describe('How many trees.'),
    subsample_size: z.int().default(256).describe('Items that each tree sees.'),
    contamination_rate: z
      .number()
      .default(0.1)
      .describe('Share of items that is called odd, whatever happens: those with the highest scores of late.'),
    mode: z
      .string()
      .default('enrich')
      .describe(
        '`enrich` and `both` add the attributes, `filter` drops what is not odd (but for metrics, of which it keeps all).',
      ),
    threshold: z.number().default(0.7).describe(`${withoutEffect}: contamination_rate decides.`),
    training_window: z.string().default('24h').describe('Older items are no longer learned from.'),
    update_frequency: z.string().default('1h').describe('How often the forest is grown anew.'),
    min_samples: z
      .int()
      .default(1_000)
      .describe('So many items are seen before there is a forest; until then each has the score 0.5 and is not odd.'),
    min_node_samples: z.int().default(10).describe('Without effect: trees are grown at once and not leaf by leaf.'),
    score_attribute: z.string().default('anomaly.isolation_score').describe('The attribute with the score, 0 to 1.'),
    classification_attribute: z
      .string()
      .default('anomaly.is_anomaly')
      .describe('The attribute that says whether it is odd.'),
    features: z
      .strictObject({
        traces: features(
          ['duration', 'error', 'http.status_code'],
          '`duration` (ms), `error` (0 or 1), `http.status_code`, `service.name`, `operation.name`',
        ),
        metrics: features(['value', 'rate_of_change'], '`value`, `rate_of_change` (a second)'),
        logs: features(
          ['severity_number', 'timestamp_gap'],
          '`severity_number`, `timestamp_gap` (s, since the last one of the service), `message_length`',
        ),
      })
      .prefault({})
      .describe('What is looked at, by signal.'),
    models: z
      .array(model)
      .default([])
      .describe('Forests of their own, each for what its selector fits; the first one takes what fits none.'),
    performance: z
      .strictObject({
        max_memory_mb: z.int().default(512).describe('What the kept items may take, over all models.'),
        batch_size: z
          .int()
          .default(1_000)
          .describe('How many items are kept to learn from, and scores to compare with.'),
        parallel_workers: z.int().default(4).describe('Without effect.'),
      })
      .prefault({})
      .describe('Bounds.'),
    adaptive_window: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Whether more items are kept where there are many.'),
        min_window_size: z.int().default(1_000).describe('How many are kept at first, and at least.'),
        max_window_size: z.int().default(100_000).describe('How many are kept at most.'),
        memory_limit_mb: z.int().default(256).describe('It keeps fewer while they take more than this.'),
        adaptation_rate: z.number().default(0.1).describe('By what share the number changes at a time.'),
        velocity_threshold: z
          .number()
          .default(50)
          .describe('It keeps more while more items than this come in a second.'),
        stability_check_interval: z.string().default('5m').describe('How often that is looked at.'),
      })
      .prefault({})
      .describe('How many items are kept, by how many there are.'),
    inference: componentId()
      .optional()
      .describe(
        'The extension `models` that scores batches of 64 items and more, off the data path; without one they are scored here.',
      ),
  })
  .superRefine((settings, context) => {
    const message = firstProblem(settings)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
export type Config = z.output<typeof config>

/** Upstream's checks in its order and words; it stops at the first. */
function firstProblem(settings: z.input<typeof config> & object): string | undefined {
  const of = settings as Config
  if (of.forest_size <= 0) return 'forest_size must be positive'
  if (of.forest_size > 1_000) return 'forest_size should not exceed 1000'
  if (!isShare(of.contamination_rate)) return 'contamination_rate must be between 0.0 and 1.0'
  if (!['enrich', 'filter', 'both'].includes(of.mode)) return "mode must be 'enrich', 'filter', or 'both'"
  if (!isShare(of.threshold)) return 'threshold must be between 0.0 and 1.0'
  for (const name of ['training_window', 'update_frequency'] as const) {
    const wrong = durationProblem(of[name])
    if (wrong !== undefined) return `${name} is not a valid duration: ${wrong}`
  }
  if (of.score_attribute === of.classification_attribute)
    return 'score_attribute and classification_attribute must be different'
  const { traces, metrics, logs } = of.features
  if (traces.length + metrics.length + logs.length === 0) return 'at least one feature type must be configured'
  if (of.min_node_samples <= 0) return 'min_node_samples must be positive'
  const adaptive = adaptiveProblem(of)
  if (adaptive !== undefined) return `adaptive_window validation failed: ${adaptive}`
  // What upstream takes and cannot work with.
  if (of.subsample_size < 2) return `subsample_size must be at least 2, got ${of.subsample_size}`
  if (of.performance.batch_size < 2)
    return `performance.batch_size must be at least 2, got ${of.performance.batch_size}`
  if (of.performance.max_memory_mb <= 0) return 'performance.max_memory_mb must be positive'
  if (msOf(of.update_frequency) <= 0) return 'update_frequency must be greater than 0'
  return undefined
}

function adaptiveProblem({ adaptive_window: of, min_samples, performance }: Config): string | undefined {
  if (of.min_window_size <= 0) return 'min_window_size must be positive'
  if (of.max_window_size <= of.min_window_size) return 'max_window_size must be greater than min_window_size'
  if (of.min_window_size < min_samples)
    return `adaptive_window.min_window_size (${of.min_window_size}) should be >= min_samples (${min_samples}) for consistency`
  if (of.memory_limit_mb <= 0) return 'memory_limit_mb must be positive'
  if (of.memory_limit_mb > performance.max_memory_mb)
    return `adaptive_window.memory_limit_mb (${of.memory_limit_mb}) should not exceed performance.max_memory_mb (${performance.max_memory_mb})`
  if (!isShare(of.adaptation_rate)) return 'adaptation_rate must be between 0.0 and 1.0'
  if (of.velocity_threshold < 0) return 'velocity_threshold must be non-negative'
  if (of.stability_check_interval === '') return undefined
  const wrong = durationProblem(of.stability_check_interval)
  return wrong === undefined ? undefined : `stability_check_interval is not a valid duration: ${wrong}`
}

function isShare(value: number): boolean {
  return value >= 0 && value <= 1
}

function durationProblem(text: string): string | undefined {
  const ms = parseDuration(text)
  return typeof ms === 'number' ? undefined : `${ms.error} ${JSON.stringify(text)}`
}

/** Of a duration that was checked; 0 for an empty one. */
export function msOf(text: string): number {
  const ms = parseDuration(text)
  return typeof ms === 'number' ? ms : 0
}
