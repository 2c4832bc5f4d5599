import { z } from 'zod'
import { componentId, duration, list } from '../../pipeline/config/fields.ts'
import { entityKinds } from '../../pipeline/vocabulary/entity.ts'
import { correctedPanes, paneMs } from './columns.ts'

const edge = z.strictObject({
  source: z.string().describe('Who would suffer: a kind and a name, as `service:checkout`; `*` stands for anything.'),
  target: z.string().describe('Whom it depends on, written in the same way.'),
})

const calendar = z.strictObject({
  time_zone: z
    .string()
    .default('UTC')
    .describe('The time zone in which people work, as `Europe/Berlin`: what hour of the week it is follows from it.'),
  holidays: list(z.string())
    .default([])
    .describe('Days, as `2026-12-25`, that are like Sundays; days that come every year as `12-25`.'),
})

export const config = z
  .strictObject({
    delay: duration()
      .default(5_000)
      .describe('How long telemetry takes to get here after what it tells of; SDKs send spans and logs every 5 s.'),
    deadline: duration()
      .default(10_000)
      .describe('How long a pane that some source has finished waits for the others, by the clock.'),
    idle_timeout: duration()
      .default(60_000)
      .describe('A source that was not heard of for so long, by the clock, is not waited for.'),
    max_skew: duration()
      .default(10_000)
      .describe('How far a clock may be ahead of ours: what is later than that is taken as of now.'),
    lateness: duration()
      .default(60_000)
      .describe(
        'Data that are late by no more than this correct what was emitted, at most 2m. Later ones count in the windows still to come.',
      ),
    max_entities: z
      .int()
      .default(20_000)
      .describe('How many entities are kept; for one more, those that said nothing for longest are forgotten.'),
    max_series: z
      .int()
      .default(500_000)
      .describe('How many incoming series are kept apart; points of more are dropped until there is room.'),
    entity_expiration: duration()
      .default(86_400_000)
      .describe('For so long an entity without telemetry goes on having features; an instance or version for an hour.'),
    calendar: calendar.prefault({}).describe('What hours and days mean for traffic.'),
    causal_edges: z
      .array(edge)
      .default([])
      .describe('Dependencies that no telemetry shows, drawn by a person; they go on with the features.'),
    storage: componentId()
      .optional()
      .describe('A storage extension that keeps the panes, so that a process that is killed goes on where it was.'),
    service_catalog: componentId()
      .optional()
      .describe('A `service_catalog` extension that is told what resources of metrics say: team, tier, runbook.'),
  })
  .superRefine((settings, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    for (const name of ['idle_timeout', 'max_entities', 'max_series', 'entity_expiration'] as const)
      if (settings[name] <= 0) problem([name], `${name} must be greater than 0`)
    for (const name of ['delay', 'deadline', 'max_skew', 'lateness'] as const)
      if (settings[name] < 0) problem([name], `${name} must not be negative`)
    if (settings.lateness > correctedPanes * paneMs) problem(['lateness'], 'lateness must be at most 2m')
    const { time_zone, holidays } = settings.calendar
    if (!isTimeZone(time_zone))
      problem(
        ['calendar', 'time_zone'],
        `time_zone ${JSON.stringify(time_zone)} is not known: use a name like Europe/Berlin or UTC`,
      )
    for (const [i, day] of holidays.entries())
      if (!isDay(day))
        problem(
          ['calendar', 'holidays', i],
          `${JSON.stringify(day)} is no day: write 2026-12-25, or 12-25 for each year`,
        )
    for (const [i, drawn] of settings.causal_edges.entries())
      for (const end of ['source', 'target'] as const)
        if (!isPattern(drawn[end]))
          problem(
            ['causal_edges', i, end],
            `${JSON.stringify(drawn[end])} names no entity: write a kind and a name, as service:payment; kinds are ${entityKinds.join(', ')}`,
          )
  })
export type Config = z.output<typeof config>

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

function isDay(text: string): boolean {
  const found = /^(?:(\d{4})-)?(\d\d)-(\d\d)$/.exec(text)
  if (found === null) return false
  // A leap year, so that 02-29 is a day.
  const day = new Date(`${found[1] ?? '2000'}-${found[2]}-${found[3]}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.getUTCDate() === Number(found[3])
}

function isPattern(text: string): boolean {
  const colon = text.indexOf(':')
  const kind = text.slice(0, colon)
  return colon > 0 && text.length > colon + 1 && (kind === '*' || entityKinds.some((one) => one === kind))
}
