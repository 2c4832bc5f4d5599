/** What is done to databases, caches, names, certificates and the telemetry agent. */
import { z } from 'zod'
import type { Edge, Service, Step } from '../world/service.ts'
import type { World } from '../world/world.ts'
import {
  type Action,
  ActionError,
  anyService,
  defineAction,
  listOf,
  oneOf,
  ownService,
  serviceOfKind,
} from './action.ts'
import { setting } from './traffic-actions.ts'

const service = z.string().describe('The service.')
const database = z.string().describe('The database.')
const cache = z.string().describe('The cache.')
/** Building an index reads its table once. */
const rowsPerMs = 200
/** Nobody resolves the name while the resolver starts again. */
const resolverMs = 1_000
/** An agent that is started again loses what it has not sent. */
const agentMs = 10_000
const warmMs = 100
const maxWarmMs = 600_000

export const dataActions: readonly Action[] = [
  defineAction(
    'create_index',
    'Builds an index: it reads the whole table with one core, and helps only when it is ready.',
    z.strictObject({ database, index: z.string().describe('Its name.') }),
    ({ database: name, index }, { world }) => {
      const target = serviceOfKind(world, name, 'database')
      const rows = rowsOf(target, index)
      if (target.indexes.has(index)) throw new ActionError(409, `${name} has the index ${index} already`)
      const ms = rows / rowsPerMs
      let isWanted = true
      return {
        target: `${name}/${index}`,
        note: `it takes about ${Math.ceil(ms / 1_000)} s of one core`,
        run: () => {
          world.change('ddl', target, `create index ${index} on ${name}`)
          const [primary] = target.ready
          if (primary !== undefined) primary.hog++
          world.schedule.after(ms, () => {
            if (primary !== undefined) primary.hog = Math.max(0, primary.hog - 1)
            if (isWanted && primary?.isDead === false) target.indexes.add(index)
          })
        },
        reverse: () => {
          isWanted = false
          target.indexes.delete(index)
        },
        holds: () => isWanted,
      }
    },
  ),

  defineAction(
    'drop_index',
    'Takes an index away: statements that need it read the whole table.',
    z.strictObject({ database, index: z.string().describe('Its name.') }),
    ({ database: name, index }, { world }) => {
      const target = serviceOfKind(world, name, 'database')
      oneOf(`index of ${name}`, index, target.indexes, (one) => one)
      return {
        target: `${name}/${index}`,
        note: 'to put it back it has to be built again: create_index',
        run: () => {
          world.change('ddl', target, `drop index ${index} on ${name}`)
          target.indexes.delete(index)
        },
      }
    },
    { isReversible: false },
  ),

  defineAction(
    'end_transactions',
    'Ends every open transaction of a database: their requests fail, their locks are free.',
    z.strictObject({ database }),
    ({ database: name }, { world }) => {
      const target = serviceOfKind(world, name, 'database')
      return {
        target: name,
        run: (guard) => {
          target.lockHoldMs = 0
          for (const instance of target.instances) {
            for (const frame of instance.frames) if (frame.operation.query?.lock !== undefined) frame.abort(guard)
          }
        },
      }
    },
    { isReversible: false },
  ),

  defineAction(
    'set_pool',
    'Connections of each instance of a service to a database.',
    z.strictObject({ service, database, size: z.int().min(1).max(10_000).describe('How many.') }),
    ({ service: name, database: databaseName, size }, { world }) => {
      const owner = ownService(world, name)
      const target = serviceOfKind(world, databaseName, 'database')
      if (!world.edges.some((edge) => edge.from?.service === owner && edge.to.service === target)) {
        const used = new Set(
          world.edges
            .filter((edge) => edge.from?.service === owner && edge.to.service.spec.kind === 'database')
            .map((edge) => edge.to.service.name),
        )
        throw new ActionError(404, `${name} has no connections to ${databaseName}; ${listOf([...used])}`)
      }
      const usual = owner.spec.kind === 'service' ? owner.spec.pool : owner.spec.workers
      return setting(
        `${name} -> ${databaseName}`,
        () => size,
        () => owner.poolSizes.get(databaseName) ?? usual,
        (limit) => {
          owner.poolSizes.set(databaseName, limit)
          for (const instance of owner.instances) instance.pool(target).limit = limit
          world.change('config', owner, `changed the configuration of ${name}: ${limit} connections to ${databaseName}`)
        },
      )
    },
  ),

  defineAction(
    'flush_cache',
    'Empties a cache: what is asked for next is asked of what lies behind it.',
    z.strictObject({ cache }),
    ({ cache: name }, { world }) => {
      const target = serviceOfKind(world, name, 'cache')
      return {
        target: name,
        run: () => {
          for (const content of target.contents) content.filled = 0
        },
      }
    },
    { isReversible: false },
  ),

  defineAction(
    'warm_cache',
    'Fills a cache from what lies behind it: so many reads a second more for that.',
    z.strictObject({
      cache,
      perSecond: z.number().min(1).max(100_000).default(200).describe('Reads a second, of each kind of content.'),
    }),
    ({ cache: name, perSecond }, { world }) => {
      const target = serviceOfKind(world, name, 'cache')
      return {
        target: name,
        note: `what lies behind it gets ${perSecond} reads a second more for each kind of content until it is warm`,
        run: () => warm(world, target, perSecond),
      }
    },
    { isReversible: false },
  ),

  defineAction(
    'renew_certificate',
    'A new certificate; processes read it when they start, so the service is restarted one by one.',
    z.strictObject({ service }),
    ({ service: name }, { world }) => {
      const target = ownService(world, name)
      return {
        target: name,
        note: 'the new certificate is everywhere when every instance has been restarted',
        run: () => {
          world.change('certificate', target, `renewed the certificate of ${name}`)
          world.cluster.restart(target, () => (target.certificateExpiredMs = undefined))
        },
      }
    },
    { isReversible: false },
  ),

  defineAction(
    'repair_dns',
    'Starts the resolver of a name again; for a second nobody finds it.',
    z.strictObject({ service }),
    ({ service: name }, { world }) => {
      const target = anyService(world, name)
      return {
        target: name,
        run: () => {
          target.dnsFailures = 1
          world.schedule.after(resolverMs, () => (target.dnsFailures = 0))
        },
      }
    },
    { isReversible: false },
  ),

  defineAction(
    'repair_network',
    'Another way to a service: what is under way to it is cut off.',
    z.strictObject({ service }),
    ({ service: name }, { world }) => {
      const target = anyService(world, name)
      return {
        target: name,
        run: (guard) => {
          target.knobs.delayMs = 0
          target.knobs.loss = 0
          for (const edge of world.edges) {
            if (edge.to.service !== target) continue
            edge.knobs.delayMs = 0
            edge.knobs.loss = 0
          }
          for (const instance of target.instances) for (const frame of instance.frames) frame.abort(guard)
        },
      }
    },
    { isReversible: false },
  ),

  defineAction(
    'restart_agent',
    'Starts the telemetry agent of a service again: for 10 s nothing is seen of it, then everything that is sent.',
    z.strictObject({ service }),
    ({ service }, { world, exports }) => {
      const { name } = ownService(world, service)
      return {
        target: name,
        run: (guard) => {
          const wasSilent = exports.silent.has(name)
          const unsent = () => exports.unsent.get(name) ?? 0
          const before = unsent()
          exports.silent.add(name)
          world.schedule.after(agentMs, () => {
            exports.silent.delete(name)
            if (!wasSilent) guard.lostBatches += unsent() - before
          })
        },
      }
    },
    { isReversible: false },
  ),
]

/** Of the table whose index it is. */
function rowsOf({ name, spec }: Service, index: string): number {
  if (spec.kind !== 'database') return 0
  const queries = Object.values(spec.queries).filter((one) => one.index !== undefined)
  const query = oneOf(`index that a statement of ${name} would use:`, index, queries, (one) => one.index!)
  return spec.tables[query.collection] ?? 0
}

function warm(world: World, cache: Service, perSecond: number): void {
  const fillers = fillersOf(world, cache)
  const startMs = world.schedule.now
  const timer = world.schedule.every(warmMs, () => {
    const isWarm = fillers.every(({ content }) => content.filled >= 0.999)
    if (isWarm || world.schedule.now - startMs > maxWarmMs) {
      timer.run = undefined
      return
    }
    for (const { content, edges } of fillers) {
      if (content.filled >= 0.999) continue
      for (let i = 0; i < (perSecond * warmMs) / 1_000; i++) {
        for (const edge of edges) {
          world.calls.make(undefined, edge, world.newTrace(), (outcome) => {
            // It knows which keys are missing.
            if (outcome === 'ok') content.filled = Math.min(1, content.filled + 1 / content.keys / edges.length)
          })
        }
      }
    }
  })
}

/** Which calls fill which content. */
function fillersOf(world: World, cache: Service) {
  const fillers: { content: Extract<Step, { kind: 'cache' }>['content']; edges: readonly Edge[] }[] = []
  const visit = (steps: readonly Step[]): void => {
    for (const step of steps) {
      if (step.kind === 'cache' && step.edge.to.service === cache) {
        fillers.push({ content: step.content, edges: callsOf(step.miss) })
      }
      if (step.kind === 'cache') visit(step.miss)
      else if (step.kind === 'parallel' || step.kind === 'maybe') visit(step.steps)
    }
  }
  for (const { operations } of world.services.values()) for (const { steps } of operations.values()) visit(steps)
  return fillers
}

function callsOf(steps: readonly Step[]): readonly Edge[] {
  return steps.flatMap((step) => {
    if (step.kind === 'call') return [step.edge]
    return step.kind === 'parallel' || step.kind === 'maybe' ? callsOf(step.steps) : []
  })
}
