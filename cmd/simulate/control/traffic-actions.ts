/** What is done to calls: limits, breakers, timeouts, retries. They protect, and they refuse. */
import { z } from 'zod'
import type { Guard } from '../world/guard.ts'
import { type Edge, type Outlier, RateLimit, type Service } from '../world/service.ts'
import { type Action, ActionError, anyService, defineAction, edgesOf, oneOf, ownService } from './action.ts'

const service = z.string().describe('The service.')
const from = z.string().optional().describe('Who calls: service, service/operation or users; absent = everybody.')
const to = z.string().describe('Who is called: service or service/operation.')

export const trafficActions: readonly Action[] = [
  defineAction(
    'rate_limit',
    'Admits requests to a service as far as there are tokens; the rest is refused at once.',
    z.strictObject({
      service,
      perSecond: z.number().min(0).max(1e6).describe('Tokens a second, and how many are saved up at most.'),
      costs: z.record(z.string(), z.number().min(0)).default({}).describe('Tokens by operation; 1 if absent.'),
      perInstance: z.boolean().default(false).describe('So many for each instance.'),
    }),
    ({ service: name, perSecond, costs, perInstance }, { world }) => {
      const target = ownService(world, name)
      for (const [operation, cost] of Object.entries(costs)) {
        oneOf(`operation of ${name}`, operation, target.operations.values(), (one) => one.name)
        if (cost > perSecond && perSecond > 0) {
          throw new ActionError(400, `${operation} costs ${cost} of ${perSecond} tokens: it would never be admitted`)
        }
      }
      const what = `limited ${name} to ${perSecond} tokens a second`
      return setting(
        name,
        (guard) => {
          const how = { guard, costs: new Map(Object.entries(costs)), isLocal: perInstance }
          return new RateLimit(perSecond, world.schedule.now, how)
        },
        () => target.rateLimit,
        (limit) => {
          target.rateLimit = limit
          world.change('config', target, limit === undefined ? `removed the rate limit of ${name}` : what)
        },
      )
    },
  ),

  defineAction(
    'remove_rate_limit',
    'Takes the rate limit of a service away.',
    z.strictObject({ service }),
    ({ service: name }, { world }) => {
      const target = ownService(world, name)
      if (target.rateLimit === undefined) throw new ActionError(409, `${name} has no rate limit`)
      return setting(
        name,
        () => undefined,
        () => target.rateLimit,
        (limit) => {
          target.rateLimit = limit
          world.change('config', target, `${limit === undefined ? 'removed' : 'set'} the rate limit of ${name}`)
        },
      )
    },
  ),

  defineAction(
    'circuit_break',
    'A share of the calls is not made and fails fast; share 0 closes the circuit again.',
    z.strictObject({ from, to, share: z.number().min(0).max(1).default(1).describe('How many are not made.') }),
    ({ from: who, to: whom, share }, { world }) => {
      const edges = edgesOf(world, who, whom)
      return {
        ...settingEach(
          edges,
          (guard) => ({ brokenShare: share, guard: share === 0 ? undefined : guard }),
          ({ brokenShare, guard }) => ({ brokenShare, guard }),
          (edge, { brokenShare, guard }) => {
            edge.brokenShare = brokenShare
            edge.guard = guard
          },
          (a, b) => a.brokenShare === b.brokenShare && a.guard === b.guard,
        ),
        target: `${who ?? '*'} -> ${whom}`,
      }
    },
  ),

  defineAction(
    'set_timeout',
    'How long callers wait for an answer.',
    z.strictObject({ from, to, ms: z.number().min(1).max(600_000).describe('Milliseconds.') }),
    ({ from: who, to: whom, ms }, { world }) => ({
      ...settingEach(
        edgesOf(world, who, whom),
        () => ms,
        (edge) => edge.call.timeout,
        (edge, timeout) => (edge.call = { ...edge.call, timeout }),
      ),
      target: `${who ?? '*'} -> ${whom}`,
    }),
  ),

  defineAction(
    'set_retries',
    'How often callers try again after a failure that may pass.',
    z.strictObject({
      from,
      to,
      max: z.int().min(0).max(10).describe('Attempts after the first.'),
      backoffMs: z.number().min(0).max(60_000).default(50).describe('Before the first retry; it doubles. 0 = none.'),
    }),
    ({ from: who, to: whom, max, backoffMs }, { world }) => ({
      ...settingEach(
        edgesOf(world, who, whom),
        () => (max === 0 ? undefined : { max, backoff: backoffMs }),
        (edge) => edge.call.retries,
        (edge, retries) => (edge.call = { ...edge.call, retries }),
        (a, b) => a?.max === b?.max && a?.backoff === b?.backoff,
      ),
      target: `${who ?? '*'} -> ${whom}`,
    }),
  ),

  defineAction(
    'limit_open_requests',
    'More requests at once than that are not sent to a service: a connection pool of its sidecars.',
    z.strictObject({ service, open: z.int().min(1).max(1e6).nullable().describe('How many; null = no limit.') }),
    ({ service: name, open }, { world }) => {
      const target = anyService(world, name)
      return setting(
        name,
        (guard) => ({ open: open ?? undefined, guard: open === null ? undefined : guard }),
        () => ({ open: target.maxOpen, guard: target.maxOpenGuard }),
        (value) => {
          target.maxOpen = value.open
          target.maxOpenGuard = value.guard
        },
        (a, b) => a.open === b.open && a.guard === b.guard,
      )
    },
  ),

  defineAction(
    'eject_outliers',
    'Instances that fail several times in a row get no requests for a while.',
    z.strictObject({
      service,
      consecutiveErrors: z.int().min(1).max(10_000).nullable().describe('So many in a row; null = never.'),
      ejectionMs: z.number().min(1).max(3_600_000).default(30_000).describe('For how long.'),
      maxShare: z.number().min(0).max(1).default(0.1).describe('Of the instances, so many at once; one at least.'),
    }),
    ({ service: name, consecutiveErrors, ejectionMs, maxShare }, { world }) => {
      const target: Service = anyService(world, name)
      return setting<Outlier | undefined>(
        name,
        () => (consecutiveErrors === null ? undefined : { consecutiveErrors, ejectionMs, maxShare }),
        () => target.outlier,
        (outlier) => (target.outlier = outlier),
      )
    },
  ),
]

/** One value that is set and put back. */
export function setting<T>(
  target: string,
  make: (guard: Guard) => T,
  read: () => T,
  write: (value: T) => void,
  isSame: (a: T, b: T) => boolean = Object.is,
) {
  const before = read()
  let mine = before
  return {
    target,
    run: (guard: Guard) => {
      mine = make(guard)
      write(mine)
    },
    reverse: () => write(before),
    holds: () => isSame(read(), mine),
  }
}

function settingEach<T>(
  edges: readonly Edge[],
  make: (guard: Guard) => T,
  read: (edge: Edge) => T,
  write: (edge: Edge, value: T) => void,
  isSame: (a: T, b: T) => boolean = Object.is,
) {
  const each = edges.map((edge) =>
    setting(
      '',
      make,
      () => read(edge),
      (value) => write(edge, value),
      isSame,
    ),
  )
  return {
    run: (guard: Guard) => {
      for (const one of each) one.run(guard)
    },
    reverse: () => {
      for (const one of each) one.reverse()
    },
    holds: () => each.every((one) => one.holds()),
  }
}
