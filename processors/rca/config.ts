import { z } from 'zod'
import { componentId, duration } from '../../pipeline/config/fields.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'

export const config = z
  .strictObject({
    feature_store: componentId()
      .default('feature_store')
      .describe('The extension that has the history of features, the call graph and the changes.'),
    flight_recorder: componentId()
      .optional()
      .describe('The extension that has the last traces and logs; without one only figures and changes are evidence.'),
    baseline: duration()
      .default(1_800_000)
      .describe('How long before the onset things are looked at to see what was usual.'),
    recorded_baseline: duration()
      .default(300_000)
      .describe('The same for recorded traces and logs; what the recorder no longer has is missing.'),
    change_lookback: duration()
      .default(3_600_000)
      .describe('A change that came so long before the onset may be the cause.'),
    max_entities: z
      .int()
      .min(10)
      .max(100_000)
      .default(5_000)
      .describe('Of more, those that are nearest to the alarms in the call graph are looked at.'),
    max_recorded_bytes: z
      .int()
      .min(1_048_576)
      .default(33_554_432)
      .describe('Of recorded traces, and of recorded logs, the newest so many bytes are read.'),
    timeout: duration().default(20_000).describe('A diagnosis that takes longer is given up, and that is said.'),
    max_waiting: z
      .int()
      .min(1)
      .max(10_000)
      .default(64)
      .describe('Incidents that may wait for a diagnosis; for one more, the one of lowest priority is not diagnosed.'),
    time_zone: z.string().default('UTC').describe('The time zone of times in texts, as `Europe/Berlin`.'),
  })
  .superRefine((settings, context) => {
    const problem = (path: keyof typeof settings, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    for (const key of ['baseline', 'recorded_baseline', 'change_lookback', 'timeout'] as const)
      if (settings[key] <= 0) problem(key, `${key} must be greater than 0`)
    if (settings.baseline > 6 * 3_600_000)
      problem('baseline', 'baseline may be 6h at most: what was before is another time of day')
    try {
      new LocalTime(settings.time_zone)
    } catch {
      problem('time_zone', `there is no time zone ${settings.time_zone}: write it as Europe/Berlin`)
    }
  })
export type Config = z.output<typeof config>
