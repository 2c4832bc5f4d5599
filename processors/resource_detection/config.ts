import { z } from 'zod'
import { duration, list } from '../../pipeline/config/fields.ts'
import { compressionProblem, httpClientKeys } from '../../pipeline/net/http-client-keys.ts'
import { detectorTypes } from './detector-types.ts'

const retry = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether a detector that fails is asked again.'),
    initial_interval: duration().default(1_000).describe('The wait before the first retry.'),
    randomization_factor: z.number().default(0.5).describe('Each wait is drawn from plus or minus this share of it.'),
    multiplier: z.number().default(2).describe('By how much the wait grows.'),
    max_interval: duration().default(30_000).describe('The longest wait.'),
    max_elapsed_time: duration().default(0).describe('When to give up; 0 = after `timeout`.'),
  })
  .superRefine((section, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    const { enabled, max_elapsed_time, initial_interval, max_interval } = section
    if (!enabled) return
    for (const key of ['initial_interval', 'multiplier', 'max_interval', 'max_elapsed_time'] as const)
      if (section[key] < 0) problem(`'${key}' must be non-negative`)
    if (section.randomization_factor < 0 || section.randomization_factor > 1)
      problem("'randomization_factor' must be within [0, 1]")
    if (max_elapsed_time > 0 && max_elapsed_time < initial_interval)
      problem("'max_elapsed_time' must not be less than 'initial_interval'")
    if (max_elapsed_time > 0 && max_elapsed_time < max_interval)
      problem("'max_elapsed_time' must not be less than 'max_interval'")
  })

const blocks: Record<string, z.ZodType> = {}
for (const { type, section, config } of detectorTypes.values())
  if (section !== '') blocks[section] = config.prefault({}).describe(`Of the detector \`${type}\`.`)

export const config = httpClientKeys
  .extend({
    detectors: list(z.string())
      .default(['env'])
      .describe('Which detectors are asked; where two know an attribute, the first in the list is right.'),
    override: z.boolean().default(true).describe('Whether what was detected replaces what the data says.'),
    timeout: duration().default(5_000).describe('How long detection may take at the start; 0 = no limit.'),
    refresh_interval: duration().default(0).describe('How often everything is detected again; 0 = never.'),
    fail_on_missing_metadata: z
      .boolean()
      .default(false)
      .describe('Whether a detector that finds no metadata service has failed, and is asked again.'),
    retry: retry.prefault({}).describe('How a detector that fails is asked again.'),
    endpoint: z.string().default('').describe('Kept for compatibility: detectors know where to ask.'),
    compression: z.string().default('').describe('Kept for compatibility: detectors send nothing worth compressing.'),
    ...blocks,
  })
  .strict()
  .superRefine((settings, context) => {
    const problem = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path })
    if (settings.retry.enabled && settings.timeout === 0 && settings.retry.max_elapsed_time === 0)
      problem('retry.enabled requires either timeout > 0 or retry.max_elapsed_time > 0 to bound detection')
    const unknown = settings.detectors.find((name) => !detectorTypes.has(name.trim()))
    if (unknown !== undefined) {
      const known = [...detectorTypes.keys()].sort().join(', ')
      problem(`there is no detector ${JSON.stringify(unknown.trim())}; there are ${known}`, ['detectors'])
    }
    const compression = compressionProblem(settings)
    if (compression !== undefined) problem(compression, ['compression_params'])
  })
export type Config = z.output<typeof config>
