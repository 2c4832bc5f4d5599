/** What a scenario file may say: how a world is observed, and what happens in it when. */
import { z } from 'zod'
import { duration } from '../../../pipeline/config/fields.ts'

const share = z.number().min(0).max(1)
const service = z.string().describe('The service.')
const operation = z
  .string()
  .regex(/^[^/]+\/.+$/, 'write service/operation')
  .describe('`service/operation`.')

/** Every one changes one thing in the mechanism. */
export const fault = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('cpu_hog').describe('A runaway thread beside the requests.'),
    service,
    cores: z.number().positive().default(4).describe('What it takes of each instance that has it.'),
    share: share.default(1).describe('How many of the instances have it.'),
  }),
  z.strictObject({
    type: z.literal('memory_leak').describe('Each request leaves something behind, until the process dies.'),
    service,
    perRequest: z.number().positive().default(40_000).describe('Bytes.'),
  }),
  z.strictObject({
    type: z.literal('latency').describe('The network to it is slow.'),
    service,
    delay: duration().default(200).describe('Added to each call.'),
  }),
  z.strictObject({
    type: z.literal('packet_loss').describe('Packets to it are lost, and sent again.'),
    service,
    loss: share.default(0.1).describe('How many.'),
  }),
  z.strictObject({
    type: z.literal('errors').describe('An operation fails.'),
    operation,
    share: share.default(0.5).describe('How often.'),
    early: z.boolean().default(false).describe('Before it does anything: errors are fast then.'),
    errorType: z.string().default('IllegalStateException').describe('`exception.type`.'),
  }),
  z.strictObject({
    type: z
      .literal('wrong_result')
      .describe('An operation answers without its second half: nothing is slow and nothing fails.'),
    operation,
    share: share.default(0.7).describe('How often.'),
  }),
  z.strictObject({
    type: z.literal('slow_operation').describe('An operation computes or waits longer.'),
    operation,
    cpu: z.number().min(1).default(1).describe('Factor on what computes.'),
    wait: z.number().min(1).default(6).describe('Factor on what waits.'),
  }),
  z.strictObject({ type: z.literal('lost_index').describe('A statement reads the whole table.'), query: operation }),
  z.strictObject({
    type: z.literal('lock_contention').describe('Transactions stay open and keep their locks.'),
    service,
    hold: duration().default(300).describe('How much longer.'),
  }),
  z.strictObject({
    type: z.literal('small_pool').describe('A configuration with too few connections.'),
    service,
    database: z.string().describe('The database it connects to.'),
    size: z.int().min(1).default(1).describe('Connections of an instance.'),
  }),
  z.strictObject({
    type: z.literal('bad_deploy').describe('A new version that is worse.'),
    service,
    version: z.string().describe('Its name.'),
    share: share.default(1).describe('How many instances get it; less than 1 is a canary.'),
    cpu: z.number().min(1).default(1).describe('Factor on what computes.'),
    errors: share.default(0).describe('How often it fails.'),
    leak: z.number().min(0).default(0).describe('Bytes that each request leaves behind.'),
    delay: duration().default(0).describe('From the deploy until it shows.'),
  }),
  z.strictObject({
    type: z.literal('cache_flush').describe('A cache loses what it holds; everybody asks the database.'),
    service,
  }),
  z.strictObject({
    type: z.literal('slow_consumer').describe('Messages are taken more slowly than they come.'),
    operation,
    wait: z.number().min(1).default(60).describe('Factor on what waits.'),
  }),
  z.strictObject({ type: z.literal('certificate_expiry').describe('New connections to it fail.'), service }),
  z.strictObject({
    type: z.literal('dns').describe('Its name is not always found.'),
    service,
    share: share.default(0.3).describe('How often not.'),
  }),
  z.strictObject({
    type: z.literal('clock_skew').describe('The clock of a node is wrong.'),
    node: z.int().min(1).describe('Its number.'),
    skew: duration().default(30_000).describe('How far it is ahead; negative = behind.'),
  }),
  z.strictObject({
    type: z.literal('noisy_neighbour').describe('Somebody else computes on a node.'),
    node: z.int().min(1).describe('Its number.'),
    cores: z.number().positive().default(60).describe('Threads that compete for its cores.'),
  }),
  z.strictObject({
    type: z.literal('node_loss').describe('A node is gone.'),
    node: z.int().min(1).describe('Its number.'),
  }),
  z.strictObject({ type: z.literal('telemetry_loss').describe('It works, and says nothing any more.'), service }),
  z.strictObject({
    type: z.literal('traffic_surge').describe('More users than there is room for.'),
    factor: z.number().min(1).default(5).describe('How many times as many.'),
  }),
  z.strictObject({
    type: z.literal('worker_leak').describe('Workers hang one after the other and never come back.'),
    service,
    every: duration().default(20_000).describe('How often an instance loses one.'),
  }),
])
export type FaultSpec = z.output<typeof fault>

/** What happens every day and harms nobody. */
export const benign = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('campaign').describe('More users, within what there is room for.'),
    factor: z.number().positive().default(1.6).describe('How many times as many; less than 1 is a holiday.'),
  }),
  z.strictObject({
    type: z.literal('cron').describe('A job computes beside the requests.'),
    service,
    cores: z.number().positive().default(1).describe('Of each instance.'),
  }),
  z.strictObject({
    type: z.literal('deploy').describe('A new version like the old one.'),
    service,
    version: z.string().describe('Its name.'),
  }),
  z.strictObject({
    type: z.literal('scale').describe('More or fewer instances, still enough.'),
    service,
    replicas: z.int().min(1).describe('How many.'),
  }),
  z.strictObject({ type: z.literal('restart').describe('All instances, one by one.'), service }),
  z.strictObject({
    type: z.literal('drain').describe('A node is emptied for maintenance.'),
    node: z.int().min(1).describe('Its number.'),
  }),
  z.strictObject({
    type: z.literal('missed_scrapes').describe('Metrics have gaps.'),
    share: share.default(0.5).describe('How many.'),
  }),
  z.strictObject({ type: z.literal('log_level').describe('Every request writes a line.') }),
])
export type BenignSpec = z.output<typeof benign>

const event = z
  .strictObject({
    at: duration().describe('How long after the start.'),
    for: duration().optional().describe('Then it is undone; if absent, it stays until somebody repairs it.'),
    fault: fault.optional().describe('What breaks.'),
    benign: benign.optional().describe('What happens without harm.'),
  })
  .refine((one) => (one.fault === undefined) !== (one.benign === undefined), {
    error: 'set exactly one of: fault, benign',
  })

export const scenario = z.strictObject({
  name: z.string().describe('The name of the scenario.'),
  start: z.string().optional().describe('When the world begins, as 2026-11-21T10:00:00Z.'),
  duration: duration().describe('How much of it is played.'),
  observation: z
    .strictObject({
      sampling: share.default(1).describe('Share of traces that the head samples.'),
      lostSpans: share.default(0.005).describe('Share of spans that are lost on their way.'),
      lateShare: share.default(0.02).describe('Share of batches that come late.'),
      late: duration().default(20_000).describe('How late at most.'),
      scrape: duration().default(15_000).describe('How often metrics are collected.'),
      missedScrapes: share.default(0.01).describe('Share of scrapes that fail.'),
      requestLogEvery: z.int().min(1).default(5).describe('One of so many requests writes a line.'),
      skew: duration().default(20).describe('How wrong the clocks of the nodes are at most.'),
    })
    .prefault({})
    .describe('How observation falls short.'),
  events: z.array(event).default([]).describe('What happens.'),
})
export type Scenario = z.output<typeof scenario>
