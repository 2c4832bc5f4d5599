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

/** The share of its cores that a service uses on the average of a week. */
const utilization = 0.22
const coreSizes = [0.5, 1, 2, 4, 8]
const instancesWanted = 3

export function sized(topology: PlainTopology): PlainTopology {
  const demand = cpuDemand(topology)
  let cores = 0
  for (const [name, service] of Object.entries(topology.services)) {
    const needed = (demand.get(name) ?? 0) / utilization
    if (service.kind === 'service') {
      service.cores = coreSizes.find((size) => size * instancesWanted >= needed) ?? 8
      service.instances = Math.max(2, Math.ceil(needed / service.cores))
      if (service.autoscale !== undefined) {
        service.autoscale = { min: service.instances, max: service.instances * 4, cpu: 0.6 }
      }
    } else if (service.cores !== undefined) service.cores = Math.max(2, Math.ceil(needed))
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
      for (const [name, { consumes = {} }] of Object.entries(services)) {
        if (consumes[topic] !== undefined) visit(`${name}/${consumes[topic]}`, share)
      }
    } else {
      const inner = (step['parallel'] ?? step['steps'] ?? step['miss']) as readonly PlainStep[]
      const part =
        typeof step['maybe'] === 'number' ? step['maybe'] : typeof step['hit'] === 'number' ? 1 - step['hit'] : 1
      for (const one of inner) walk(one, share * part)
    }
  }
  const total = users.operations.reduce((sum, { weight }) => sum + weight, 0)
  for (const { call, weight } of users.operations) visit(call, (users.rate * weight) / total)
  const demand = new Map<string, number>()
  for (const [target, perSecond] of visits) {
    const [name, operation] = split(target)
    const spec = services[name]?.operations?.[operation] ?? services[name]?.queries?.[operation]
    if (spec === undefined) continue
    const { median, sigma, cpu } = spec.self
    const meanMs = Number.parseFloat(median) * Math.exp(sigma ** 2 / 2) * cpu
    demand.set(name, (demand.get(name) ?? 0) + (perSecond * meanMs) / 1_000)
  }
  return demand
}
