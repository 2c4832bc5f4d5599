import { z } from 'zod'
import { byteSize, componentId, duration } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    warmup: duration()
      .default(1_200_000)
      .describe('An entity is only learned for so long; it is marked `vigil.anomaly.cold` and has no p.'),
    explain_below: z
      .number()
      .default(1e-3)
      .describe('Entities whose p is below this are explained: contributions, observed and expected values, onset.'),
    max_explanations: z
      .int()
      .default(10)
      .describe('So many features at the most explain one entity, the strongest first.'),
    gate: z.number().default(1e-3).describe('What is less likely than this does not teach what is normal.'),
    accept_after: duration()
      .default(86_400_000)
      .describe('What was below `gate` for so long without a break is how things are now, and is learned anew.'),
    min_completeness: z
      .number()
      .default(0.6)
      .describe('A window of which less telemetry was there is neither judged nor learned.'),
    settle_time: duration()
      .default(100)
      .describe('A tick is judged when a later one begins, or so long after its last point came.'),
    max_tick_time: duration()
      .default(5_000)
      .describe(
        'When judging a tick takes longer, what is left of it is not judged, the least important first; entities with an SLO or of tier 1 always are.',
      ),
    max_entities: z
      .int()
      .default(20_000)
      .describe(
        'Entities that are known at once; for one more, one that was silent for a minute or longer is forgotten, and where none is, the new one is not judged.',
      ),
    memory_limit: byteSize()
      .default(512 * 1_048_576)
      .describe(
        'Bytes of what was learned; beyond it the entities that were silent longest are forgotten, then the least important, and new ones are not judged.',
      ),
    novelty_memory: byteSize()
      .default(64 * 1_048_576)
      .describe(
        'Of these, bytes for histories of single entities, which see what does not fit an entity’s own past; for SLOs and low tiers first, then for the busiest.',
      ),
    judgements: componentId()
      .optional()
      .describe('An extension that knows open incidents and what people accepted as normal, `feature_store`.'),
    service_catalog: componentId().optional().describe('An extension that knows tiers and SLOs, `service_catalog`.'),
    storage: componentId().optional().describe('A storage extension that keeps what was learned over restarts.'),
    checkpoint_interval: duration()
      .default(300_000)
      .describe('How often it is kept, beside at the end; a kill forgets what was learned since.'),
    checkpoint_limit: byteSize()
      .default(128 * 1_048_576)
      .describe(
        'Bytes that are kept at the most, the most important entities first; a store holds them in memory too.',
      ),
  })
  .superRefine((settings, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    for (const name of ['explain_below', 'gate'] as const)
      if (!(settings[name] > 0 && settings[name] < 0.5))
        problem(name, `${name} is a probability between 0 and 0.5, like 0.001; got ${settings[name]}`)
    if (!(settings.min_completeness >= 0 && settings.min_completeness <= 1))
      problem('min_completeness', `min_completeness is a share, 0 to 1; got ${settings.min_completeness}`)
    for (const name of [
      'max_entities',
      'max_explanations',
      'memory_limit',
      'max_tick_time',
      'accept_after',
      'checkpoint_limit',
    ] as const)
      if (!(settings[name] > 0)) problem(name, `${name} must be greater than 0`)
    for (const name of ['warmup', 'settle_time'] as const)
      if (settings[name] < 0) problem(name, `${name} must not be negative`)
    if (settings.novelty_memory > settings.memory_limit)
      problem('novelty_memory', 'novelty_memory is a part of memory_limit and must not be larger')
    if (!(settings.checkpoint_interval > 0))
      problem('checkpoint_interval', 'checkpoint_interval must be greater than 0')
  })
export type Config = z.output<typeof config>
