/** Gives every service the cores and instances that its load needs, with room to spare: somebody has planned this, as in life. */
import { split } from './read.ts'

interface PlainSelf {
  readonly median: string
  readonly sigma: number
  readonly cpu: number
}
export type PlainStep = { readonly [key: string]: unknown }
export interface PlainOperation {
  readonly self: PlainSelf
  readonly steps?: readonly PlainStep[]
  readonly [key: string]: unknown
}
export interface PlainService {
  readonly kind: string
  instances: number
  cores?: number
  workers?: number
  autoscale?: { min: number; max: number; cpu: number }
  readonly operations?: Readonly<Record<string, PlainOperation>>
  readonly queries?: Readonly<Record<string, PlainOperation>>
  readonly consumes?: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}
/** A topology as its YAML file would say it. */
export interface PlainTopology {
  readonly name: string
  readonly nodes: { count: number; readonly cores: number }
  readonly users: {
    readonly rate: number
    readonly operations: readonly { readonly call: string; readonly weight: number }[]
  }
  readonly services: Readonly<Record<string, PlainService>>
}

/** One access, as the schema has it unless a topology says otherwise. */
const ofStore: Readonly<Record<string, PlainSelf>> = {
  cache: { median: '0.6ms', sigma: 0.35, cpu: 0.5 },
  queue: { median: '1.2ms', sigma: 0.4, cpu: 0.3 },
}
const none: PlainSelf = { median: '0ms', sigma: 0, cpu: 0 }
const coreSizes = [0.5, 1, 2, 4, 8]
const instancesWanted = 3

/** `utilization`: the share of its cores that a service uses on the average of a week. */
export function sized(topology: PlainTopology, utilization: (service: string) => number): PlainTopology {
  const demand = cpuDemand(topology)
  let cores = 0
  for (const [name, service] of Object.entries(topology.services)) {
    const needed = (demand.get(name) ?? 0) / utilization(name)
    if (service.kind === 'service') {
      service.cores = coreSizes.find((size) => size * instancesWanted >= needed) ?? 8
      service.instances = Math.max(2, Math.ceil(needed / service.cores))
      if (service.autoscale !== undefined) {
        service.autoscale = { min: service.instances, max: service.instances * 4, cpu: 0.6 }
      }
    } else if (service.cores !== undefined) service.cores = Math.max(1, Math.ceil(needed))
    cores += service.instances * (service.cores ?? 2)
  }
  // Half of a machine is free, for those that are started when another goes.
  topology.nodes.count = Math.max(4, Math.ceil(cores / topology.nodes.cores / 0.5))
  return topology
}

/** Cores that each service keeps busy at the usual rate. */
function cpuDemand({ users, services }: PlainTopology): ReadonlyMap<string, number> {
  const visits = new Map<string, number>()
  const visit = (target: string, share: number): void => {
    visits.set(target, (visits.get(target) ?? 0) + share)
    const [name, operation] = split(target)
    for (const step of services[name]?.operations?.[operation]?.steps ?? []) walk(step, share)
  }
  const walk = (step: PlainStep, share: number): void => {
    if (typeof step['call'] === 'string') visit(step['call'], share)
    else if (typeof step['send'] === 'string') {
      const topic = step['send']
      visit(topic, share)
      for (const [name, { consumes = {} }] of Object.entries(services)) {
        if (consumes[topic] !== undefined) visit(`${name}/${consumes[topic]}`, share)
      }
    } else {
      const inner = (step['parallel'] ?? step['steps'] ?? step['miss']) as readonly PlainStep[]
      if (typeof step['cache'] === 'string') visit(`${step['cache']}/GET`, share)
      const { maybe, repeat, hit } = step
      const part =
        typeof maybe === 'number' ? maybe : typeof repeat === 'number' ? repeat : typeof hit === 'number' ? 1 - hit : 1
      for (const one of inner) walk(one, share * part)
    }
  }
  const total = users.operations.reduce((sum, { weight }) => sum + weight, 0)
  for (const { call, weight } of users.operations) visit(call, (users.rate * weight) / total)
  const demand = new Map<string, number>()
  for (const [target, perSecond] of visits) {
    const [name, operation] = split(target)
    const service = services[name]
    const { median, sigma, cpu } =
      (service?.operations?.[operation] ?? service?.queries?.[operation])?.self ?? ofStore[service?.kind ?? ''] ?? none
    const meanMs = Number.parseFloat(median) * Math.exp(sigma ** 2 / 2) * cpu
    demand.set(name, (demand.get(name) ?? 0) + (perSecond * meanMs) / 1_000)
  }
  return demand
}
