import { z } from 'zod'
import { componentId, duration } from '../../pipeline/config/fields.ts'
import { severities } from '../../pipeline/vocabulary/event.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const glob = (what: string) => z.string().min(1).optional().describe(`${what}; \`*\` stands for anything.`)
const timeOfDay = () => z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'write a time of day like 02:30')
const moment = () =>
  z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'write a time like 2026-11-24T02:00:00+01:00')

const maintenance = z.strictObject({
  name: z.string().min(1).describe('What it is called in incidents.'),
  service: glob('Service'),
  namespace: glob('Namespace of the service'),
  environment: glob('Deployment environment'),
  cluster: glob('Kubernetes cluster'),
  entity: glob('Name of the entity itself: a database, a node'),
  from: moment().optional().describe('When it begins, once.'),
  until: moment().optional().describe('When it is over, once.'),
  days: z.array(z.enum(days)).min(1).optional().describe('Days of the week on which it begins; without it every day.'),
  start: timeOfDay().optional().describe('When it begins on these days.'),
  end: timeOfDay().optional().describe('When it is over; earlier than `start` is on the next day.'),
  time_zone: z
    .string()
    .optional()
    .describe('IANA name of the time zone of `start` and `end`; without it that of all texts.'),
})
export type MaintenanceWindow = z.output<typeof maintenance>

export const config = z
  .strictObject({
    feature_store: componentId()
      .optional()
      .describe(
        'The extension that has the live call graph; without one only what is about the same service or trace is one incident.',
      ),
    service_catalog: componentId().optional().describe('The extension that knows owners, tiers, runbooks and SLOs.'),
    storage: componentId().optional().describe('A storage extension that keeps incidents over a restart.'),
    min_severity: z
      .enum(severities)
      .default('medium')
      .describe('Alarms that are all below this make no incident; they join one.'),
    join_within: duration()
      .default(120_000)
      .describe(
        'Alarms about neighbours belong together when they began within this, and `join_within_hop` for each call between them.',
      ),
    join_within_hop: duration().default(60_000).describe('What each call between them adds.'),
    max_hops: z
      .int()
      .min(0)
      .max(5)
      .default(2)
      .describe('How many calls may lie between an alarm and what explains it.'),
    same_cause_within: duration()
      .default(60_000)
      .describe('Two suspects that explain the same symptom are one incident when they began within this.'),
    common_cause_share: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe('When this share of all services alarms within a minute, it is one incident.'),
    flap_toggles: z
      .int()
      .min(2)
      .default(3)
      .describe('An alarm that clears and comes back so often within `flap_window` is flapping.'),
    flap_window: duration()
      .default(600_000)
      .describe('It is told once, and is no more when it was steady for this long.'),
    resolve_after: duration()
      .default(300_000)
      .describe('An incident is resolved when all its alarms have been clear for this long.'),
    max_inactivity: duration()
      .default(3_600_000)
      .describe('Nothing joins an incident of which nothing was heard for this long.'),
    max_open: duration()
      .default(86_400_000)
      .describe('One of which nothing was heard for this long is resolved: nobody will say that it cleared.'),
    coalesce: duration()
      .default(5_000)
      .describe(
        'Changes within this are one revision; an opening, more severity and what a person does are told at once.',
      ),
    graph_wait: duration()
      .default(1_000)
      .describe('For how long at most an opening waits for the call graph, where none was read before.'),
    graph_interval: duration().default(15_000).describe('How often the call graph is read.'),
    graph_timeout: duration().default(5_000).describe('A reading that takes longer is given up; the last graph stays.'),
    maintenance: z
      .array(maintenance)
      .default([])
      .describe('When what is worked on: an incident that is about nothing else wakes nobody.'),
    max_incidents: z
      .int()
      .min(1)
      .default(1_000)
      .describe('Open at the same time; more alarms join the one about everything.'),
    max_alarms: z.int().min(10).default(10_000).describe('Alarms that are kept; the least important makes room.'),
    time_zone: z.string().default('UTC').describe('IANA name of the time zone of times in texts.'),
    save_interval: duration()
      .default(60_000)
      .describe('How often everything is stored, beside at each revision. 0 = only then.'),
  })
  .superRefine((settings, context) => {
    const issue = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    const positive = [
      'join_within',
      'flap_window',
      'resolve_after',
      'max_inactivity',
      'max_open',
      'graph_interval',
      'graph_timeout',
    ] as const
    for (const name of positive) if (settings[name] <= 0) issue([name], `${name} must be greater than 0`)
    const checkZone = (path: (string | number)[], zone: string) => {
      try {
        new LocalTime(zone)
      } catch {
        issue(path, `no time zone ${JSON.stringify(zone)}; write an IANA name like Europe/Berlin or UTC`)
      }
    }
    checkZone(['time_zone'], settings.time_zone)
    for (const [i, one] of settings.maintenance.entries()) {
      const isOnce = one.from !== undefined || one.until !== undefined
      const isDaily = one.start !== undefined || one.end !== undefined || one.days !== undefined
      if (isOnce && isDaily) issue(['maintenance', i], 'set either from and until, or start and end (with days)')
      else if (
        isOnce ? one.from === undefined || one.until === undefined : one.start === undefined || one.end === undefined
      )
        issue(['maintenance', i], 'set from and until, or start and end')
      if (isOnce && Date.parse(one.from ?? '') >= Date.parse(one.until ?? ''))
        issue(['maintenance', i, 'until'], 'until must be later than from')
      if (one.time_zone !== undefined) checkZone(['maintenance', i, 'time_zone'], one.time_zone)
    }
  })
export type Config = z.output<typeof config>
