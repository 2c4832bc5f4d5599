/** What a topology file may say. Times are durations, sizes are bytes, rates are per second. */
import { z } from 'zod'
import { byteSize, duration } from '../../../pipeline/config/fields.ts'

const probability = z.number().min(0).max(1)
const operationName = z
  .string()
  .regex(/^[^/]+\/.+$/, 'write service/operation')
  .describe('`service/operation`.')

const lognormal = z.strictObject({
  median: duration().describe('Half of them take longer.'),
  sigma: z.number().min(0).max(3).default(0.45).describe('Standard deviation of the logarithm.'),
  cpu: probability.default(0.6).describe('The share that computes; the rest waits.'),
})

const retries = z.strictObject({
  max: z.int().min(0).max(10).default(2).describe('Attempts after the first.'),
  backoff: duration()
    .default(50)
    .describe('Wait before the first retry; it doubles, with full jitter. 0 = none: a retry storm in waiting.'),
})

const call = z.strictObject({
  call: operationName.describe('What is called: `service/operation`.'),
  timeout: duration().default(2_000).describe('The caller gives up after this long.'),
  retries: retries.optional().describe('What happens after a failure that may pass.'),
  optional: z.boolean().default(false).describe('A failure does not fail the caller.'),
  hidden: z.boolean().default(false).describe('No trace shows this edge: the callee has no agent.'),
})

const send = z.strictObject({
  send: operationName.describe('The queue and topic that a message goes to: `queue/topic`.'),
})

export type Step =
  | z.output<typeof call>
  | z.output<typeof send>
  | { readonly parallel: readonly Step[] }
  | { readonly maybe: number; readonly steps: readonly Step[] }
  | { readonly repeat: number; readonly steps: readonly Step[] }
  | { readonly cache: string; readonly hit: number; readonly keys: number; readonly miss: readonly Step[] }

const step: z.ZodType<Step> = z.lazy(() =>
  z.union([
    call,
    send,
    z.strictObject({ parallel: z.array(step).min(1).describe('All at once; done when all are.') }),
    z.strictObject({
      maybe: probability.describe('How probable the steps are.'),
      steps: z.array(step).min(1).describe('What is done then.'),
    }),
    z.strictObject({
      repeat: z.number().min(1).max(100).describe('How often on the average, one after the other: for each of a list.'),
      steps: z.array(step).min(1).describe('What is done each time.'),
    }),
    z.strictObject({
      cache: z.string().describe('The service of kind `cache` that is asked.'),
      hit: probability.default(0.92).describe('The share of hits when the cache is warm.'),
      keys: z.int().min(1).default(5_000).describe('How many keys there are: so many misses make it warm.'),
      miss: z.array(step).min(1).describe('What fills the cache.'),
    }),
  ]),
)

const operation = z.strictObject({
  self: lognormal.describe('The time that the operation itself takes.'),
  errors: probability.default(0.0001).describe('The share that fails by itself.'),
  steps: z.array(step).default([]).describe('What it calls, one after the other.'),
  cost: z.number().min(0).default(1).describe('What a request of it counts against a rate limit.'),
})

const query = z.strictObject({
  self: lognormal.describe('With its index.'),
  errors: probability.default(0.00005).describe('The share that fails by itself.'),
  text: z.string().describe('The statement with placeholders, as `db.query.text` shows it.'),
  summary: z.string().optional().describe('`db.query.summary`; if absent, operation and collection.'),
  collection: z.string().describe('The table, as `db.collection.name`.'),
  rows: z.int().min(0).default(1).describe('Rows that it examines by its index.'),
  index: z.string().optional().describe('The index it needs; without it every row of the table is read.'),
  lock: z.string().optional().describe('A row or table that only one statement holds at a time.'),
})

const common = {
  namespace: z.string().default('').describe('`service.namespace`.'),
  language: z.enum(['nodejs', 'java', 'python', 'go', 'dotnet']).default('java').describe('`telemetry.sdk.language`.'),
  tier: z.int().min(1).max(4).default(2).describe('1 = users notice at once.'),
  instances: z.int().min(1).default(2).describe('How many there are at the start.'),
  cores: z.number().positive().default(2).describe('CPU limit of an instance.'),
  memory: byteSize()
    .default(512 * 1024 * 1024)
    .describe('Memory limit of an instance.'),
  workers: z.int().min(1).default(32).describe('Requests that an instance works on at once.'),
  queue: z.int().min(0).default(128).describe('Requests that wait for a worker; more are refused.'),
  version: z.string().default('1.0.0').describe('`service.version`.'),
  startup: duration().default(20_000).describe('From the start of an instance until it is ready.'),
}

const autoscale = z.strictObject({
  min: z.int().min(1).default(2).describe('Instances at least.'),
  max: z.int().min(1).default(10).describe('Instances at most.'),
  cpu: probability.default(0.6).describe('The utilization it aims at.'),
})

export const service = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('service'),
    ...common,
    blocking: z.boolean().default(true).describe('A worker waits for what it calls; otherwise only for its own work.'),
    pool: z.int().min(1).default(10).describe('Connections of an instance to each database.'),
    autoscale: autoscale.optional().describe('A horizontal pod autoscaler.'),
    operations: z.record(z.string(), operation).describe('By name, as the span shows it.'),
    consumes: z
      .record(z.string(), z.string())
      .default({})
      .describe('`queue/topic` to the operation that takes a message.'),
  }),
  z.strictObject({
    kind: z.literal('database'),
    ...common,
    system: z.enum(['postgresql', 'mysql']).default('postgresql').describe('`db.system.name`.'),
    tables: z.record(z.string(), z.int().min(1)).describe('Rows by table.'),
    queries: z.record(z.string(), query).describe('By a short name.'),
  }),
  z.strictObject({
    kind: z.literal('cache'),
    ...common,
    get: lognormal.default({ median: 0.6, sigma: 0.35, cpu: 0.5 }).describe('One access.'),
  }),
  z.strictObject({
    kind: z.literal('queue'),
    ...common,
    system: z.enum(['kafka', 'rabbitmq']).default('kafka').describe('`messaging.system`.'),
    topics: z.array(z.string()).min(1).describe('Their names.'),
    publish: lognormal.default({ median: 1.2, sigma: 0.4, cpu: 0.3 }).describe('Taking one message.'),
    capacity: z.int().min(1).default(1_000_000).describe('Messages of a topic that wait; more are refused.'),
  }),
  z.strictObject({
    kind: z.literal('external'),
    ...common,
    host: z.string().describe('Its name, as `server.address`.'),
    operations: z.record(z.string(), operation).describe('By name. Nothing of it is instrumented.'),
  }),
])
export type ServiceSpec = z.output<typeof service>
export type OperationSpec = z.output<typeof operation>
export type QuerySpec = z.output<typeof query>
export type CallSpec = z.output<typeof call>

export const topology = z.strictObject({
  name: z.string().describe('The name of the topology.'),
  environment: z.string().default('production').describe('`deployment.environment.name`.'),
  cluster: z.string().default('main').describe('`k8s.cluster.name`.'),
  nodes: z
    .strictObject({
      count: z.int().min(1).default(6).describe('Machines that instances run on.'),
      cores: z.number().positive().default(16).describe('CPU cores of each.'),
    })
    .prefault({})
    .describe('The machines.'),
  network: z
    .strictObject({
      median: duration().default(0.3).describe('One way, between two instances.'),
      sigma: z.number().min(0).default(0.3).describe('Standard deviation of the logarithm.'),
    })
    .prefault({})
    .describe('The network between instances.'),
  noise: z
    .strictObject({
      drift: z
        .number()
        .min(0)
        .max(1)
        .default(0.08)
        .describe('How far the time that computes wanders over minutes; standard deviation of the logarithm.'),
      waits: z
        .number()
        .min(0)
        .max(1)
        .default(0.34)
        .describe('The same for the time that waits: disks, networks and whoever shares them.'),
      background: probability
        .default(0.04)
        .describe(
          'The share of its cores that an instance uses for itself: its runtime, its agent, its health checks.',
        ),
    })
    .prefault({})
    .describe('What makes a quiet day uneven. Garbage collectors come on top of it.'),
  users: z
    .strictObject({
      rate: z.number().positive().describe('Requests a second, on the average of a week.'),
      day: probability.default(0.4).describe('How far the rate swings over a day.'),
      week: probability.default(0.15).describe('How far it sinks at weekends.'),
      noise: z.number().min(0).default(0.06).describe('Its coefficient of variation over minutes, autocorrelated.'),
      retry: probability.default(0.2).describe('How many try again after a failure.'),
      patience: duration().default(15_000).describe('A user gives up after this long.'),
      operations: z
        .array(
          z.strictObject({
            call: operationName.describe('Where users come in.'),
            weight: z.number().positive().describe('Its share of the requests.'),
            slow: duration().default(1_000).describe('A request that takes longer is not good.'),
          }),
        )
        .min(1)
        .describe('What users do.'),
    })
    .describe('The load.'),
  services: z.record(z.string(), service).describe('By name.'),
})
export type Topology = z.output<typeof topology>
