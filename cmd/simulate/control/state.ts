/** What an operator could see of a world: nothing of it says what is wrong. */
import type { Served } from '../world/load.ts'
import type { World } from '../world/world.ts'

const sampleMs = 10_000
const minuteMs = 60_000

/** What users got in the last minute. */
export class RecentService {
  private readonly world: World
  private readonly samples: { readonly atMs: number; readonly served: ReadonlyMap<string, Served> }[] = []

  constructor(world: World) {
    this.world = world
    this.sample()
    world.schedule.every(sampleMs, () => this.sample())
  }

  private sample(): void {
    const { schedule, load } = this.world
    this.samples.push({
      atMs: schedule.now,
      served: new Map([...load.served].map(([name, served]) => [name, { ...served }])),
    })
    if (this.samples.length > minuteMs / sampleMs) this.samples.shift()
  }

  /** By operation: since the start, and the shares of the last minute. */
  told() {
    const { load, schedule } = this.world
    const first = this.samples[0]
    const seconds = first === undefined ? 0 : (schedule.now - first.atMs) / 1_000
    return [...load.served].map(([operation, now]) => {
      const before = first?.served.get(operation)
      const ended = ({ good, slow, failed }: Served) => good + slow + failed
      const all = ended(now) - (before === undefined ? 0 : ended(before))
      const share = (key: 'good' | 'slow' | 'failed' | 'refused') =>
        all === 0 ? undefined : (now[key] - (before?.[key] ?? 0)) / all
      return {
        operation,
        ...now,
        lastMinute: {
          perSecond: seconds === 0 ? 0 : all / seconds,
          goodShare: share('good'),
          slowShare: share('slow'),
          failedShare: share('failed'),
          refusedShare: share('refused'),
        },
      }
    })
  }
}

export function servicesOf(world: World) {
  return [...world.services.values()].map((service) => {
    const { name, spec, revision, revisions, instances, autoscale, rateLimit, outlier, maxOpen } = service
    const isOurs = spec.kind !== 'external'
    return {
      name,
      kind: spec.kind,
      namespace: spec.namespace || world.topology.name,
      tier: spec.tier,
      ...(isOurs
        ? {
            version: revision.version.name,
            revision: revision.number,
            revisions: revisions.map((one) => ({ revision: one.number, version: one.version.name })),
            isRollingOut: world.cluster.isRollingOut(service),
            replicas: world.cluster.replicas(service),
            ready: service.ready.length,
            instances: instances.map((instance) => ({
              name: instance.name,
              node: instance.machine.name,
              version: instance.version.name,
              isReady: instance.isReady,
              isStopping: instance.isStopping,
              restarts: instance.restarts,
              requests: instance.frames.size,
              waiting: instance.workers.waiting,
              memoryShare: instance.memoryShare,
            })),
          }
        : {}),
      autoscale,
      rateLimit:
        rateLimit === undefined
          ? undefined
          : {
              perSecond: rateLimit.perSecond,
              perInstance: rateLimit.isLocal,
              costs: Object.fromEntries(rateLimit.costs),
            },
      openRequests: service.open,
      maxOpenRequests: maxOpen,
      outlier,
    }
  })
}

export function callsOf(world: World) {
  return world.edges.map(({ from, to, call, brokenShare }) => ({
    from: from === undefined ? 'users' : `${from.service.name}/${from.name}`,
    to: `${to.service.name}/${to.name}`,
    timeoutMs: call.timeout,
    retries: call.retries,
    isOptional: call.optional,
    brokenShare,
  }))
}

export function nodesOf(world: World) {
  return world.cluster.machines.map(({ name, cores, isUp, isCordoned, instances }) => ({
    name,
    cores,
    isUp,
    isCordoned,
    instances: instances.size,
  }))
}
