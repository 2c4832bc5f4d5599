import { z } from 'zod'
import { componentId, duration } from '../../pipeline/config/fields.ts'
import { windows } from '../../pipeline/vocabulary/features.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'

const budget = {
  tickets_per_week: z
    .number()
    .positive()
    .max(100_000)
    .default(14)
    .describe('Alarms that a team may get in a week by chance: what decides how strange something must be.'),
  pages_per_week: z
    .number()
    .positive()
    .max(100_000)
    .default(2)
    .describe('How many of them may by chance be `high` or `critical`, which is what may become a page.'),
}
/** Without defaults: what a team does not say is as for all. */
const teamBudget = z.strictObject({
  tickets_per_week: budget.tickets_per_week.unwrap().optional().describe('Of this team.'),
  pages_per_week: budget.pages_per_week.unwrap().optional().describe('Of this team.'),
})

export const config = z
  .strictObject({
    ...budget,
    teams: z
      .record(z.string(), teamBudget)
      .default({})
      .describe('Budgets of single teams, by the owner that the service catalog names.'),
    budget_per_tenant: z
      .boolean()
      .default(false)
      .describe(
        'Where a later component reads client metadata: each tenant that it tells apart has budgets of its own. Otherwise a team has one over all of them.',
      ),
    common_share: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe(
        'When this share of all services, and five at least, has the same trouble within two windows, one alarm tells it and theirs are evidence.',
      ),
    service_catalog: componentId()
      .optional()
      .describe('The extension that knows owners and tiers; without one everybody is one team.'),
    window: z
      .enum(Object.keys(windows) as [keyof typeof windows, ...(keyof typeof windows)[]])
      .default('1m')
      .describe('Windows that do not overlap: what `p_value` is about.'),
    min_hits: z
      .int()
      .min(1)
      .default(2)
      .describe('So many of `of_windows` windows alarm where one alone is not strange enough.'),
    of_windows: z.int().min(1).max(30).default(3).describe('The last windows that `min_hits` looks at.'),
    quiet_p: z.number().gt(0).lt(1).default(0.01).describe('A window with a larger p is quiet.'),
    clear_after: z.int().min(1).default(3).describe('Quiet windows in a row that clear an alarm.'),
    flap_window: duration()
      .default(3_600_000)
      .describe('Each time that an alarm came back within this, it needs twice as many quiet windows to clear.'),
    silent_after: duration()
      .default(20_000)
      .describe(
        'A source that is heard of all the time is silent after this long; one with gaps, after three times the longest.',
      ),
    blind_share: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe('When this share of all services is silent at once, telemetry is lost, not traffic.'),
    no_data_after: duration()
      .default(25_000)
      .describe(
        'By the clock: no features for this long, or twice as long as usual, and nobody knows how anything is.',
      ),
    max_lag: duration()
      .default(120_000)
      .describe('Analysis is blind when it is so much further behind than at its best in the last hour.'),
    max_entities: z.int().min(1).default(100_000).describe('Entities that are kept; more are not judged, and counted.'),
    entity_expiration: duration()
      .default(21_600_000)
      .describe('An entity that was not heard of for so long is forgotten; its alarms are cleared, which says why.'),
    time_zone: z.string().default('UTC').describe('IANA name of the time zone of times in texts.'),
    storage: componentId().optional().describe('A storage extension that keeps alarms and budgets over a restart.'),
    save_interval: duration()
      .default(60_000)
      .describe('How often budgets are stored; alarms are whenever one comes or goes. 0 = only then.'),
  })
  .superRefine((settings, context) => {
    const positive = ['silent_after', 'no_data_after', 'max_lag', 'entity_expiration'] as const
    for (const name of positive)
      if (settings[name] <= 0)
        context.addIssue({ code: 'custom', path: [name], message: `${name} must be greater than 0` })
    if (settings.min_hits > settings.of_windows)
      context.addIssue({
        code: 'custom',
        path: ['min_hits'],
        message: `min_hits of ${settings.min_hits} can never be reached in of_windows ${settings.of_windows}; make it smaller`,
      })
    try {
      new LocalTime(settings.time_zone)
    } catch {
      context.addIssue({
        code: 'custom',
        path: ['time_zone'],
        message: `no time zone ${JSON.stringify(settings.time_zone)}; write an IANA name like Europe/Berlin or UTC`,
      })
    }
  })
export type Config = z.output<typeof config>
