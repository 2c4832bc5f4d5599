import { z } from 'zod'
import { byteSize, componentId, duration } from '../../pipeline/config/fields.ts'

const kindLimit = (what: string, most: number) =>
  z.int().default(most).describe(`How many ${what} are kept apart; spans of more are counted as one.`)

export const config = z
  .strictObject({
    flush_interval: duration().default(5_000).describe('How often what was counted goes on.'),
    wait: duration()
      .default(5_000)
      .describe('A trace is complete when none of its spans has come for so long; what needs the whole trace waits.'),
    max_traces: z
      .int()
      .default(50_000)
      .describe('How many traces may wait, or be remembered for their late spans; the oldest go early.'),
    max_spans: z
      .int()
      .default(1_000_000)
      .describe('How many spans may wait, over all traces; the oldest traces go early.'),
    max_spans_per_trace: z.int().default(20_000).describe('A trace with so many spans goes early.'),
    max_bytes: byteSize()
      .default(256 * 1024 * 1024)
      .describe('What waiting spans and traces may take in memory; the oldest traces go early.'),
    max_crossed: z
      .int()
      .default(200)
      .describe(
        'For how many entities, those crossed most, it is counted how many requests of an operation crossed them.',
      ),
    max_operations_per_service: z
      .int()
      .default(200)
      .describe('How many operations of a service are kept apart; spans of more are counted as one.'),
    max_queries_per_database: z
      .int()
      .default(500)
      .describe('How many queries of a database are kept apart; spans of more are counted as one.'),
    limits: z
      .strictObject({
        service: kindLimit('services', 10_000),
        operation: kindLimit('operations', 20_000),
        version: kindLimit('versions', 10_000),
        instance: kindLimit('instances', 20_000),
        database: kindLimit('databases', 2_000),
        query: kindLimit('queries', 10_000),
        cache: kindLimit('caches', 2_000),
        queue: kindLimit('queues', 5_000),
        external: kindLimit('external services', 5_000),
        edge: kindLimit('edges', 20_000),
      })
      .prefault({})
      .describe('How many entities of each kind are kept, over all senders.'),
    entity_expiration: duration()
      .default(3_600_000)
      .describe('An entity without spans for so long is forgotten, and makes room for another.'),
    service_catalog: componentId()
      .optional()
      .describe(
        'A `service_catalog` extension that is told what resources say: whose a service is, its tier, its runbook.',
      ),
  })
  .superRefine((settings, context) => {
    const positive = (path: readonly string[], value: number) => {
      const message = `${path.at(-1)} must be greater than 0`
      if (!(value > 0)) context.addIssue({ code: 'custom', path: [...path], message })
    }
    const { limits, service_catalog: _, ...others } = settings
    for (const [name, value] of Object.entries(others)) positive([name], value)
    for (const [name, value] of Object.entries(limits)) positive(['limits', name], value)
  })
export type Config = z.output<typeof config>
/** The kinds that spans tell of. */
export type Kind = keyof Config['limits']
