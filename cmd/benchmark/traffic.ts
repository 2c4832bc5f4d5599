/** How often each operation of a topology is asked while all is well: what nobody uses cannot be broken so that somebody notices. */
import { split } from '../simulate/topology/read.ts'
import type { Step, Topology } from '../simulate/topology/schema.ts'

/** Requests a second by `service/operation`. What a caller can do without counts `optional` times. */
export function trafficOf({ users, services }: Topology, optional = 1): ReadonlyMap<string, number> {
  const visits = new Map<string, number>()
  const visit = (target: string, rate: number): void => {
    visits.set(target, (visits.get(target) ?? 0) + rate)
    const [name, operation] = split(target)
    const service = services[name]
    if (service?.kind !== 'service' && service?.kind !== 'external') return
    for (const step of service.operations[operation]?.steps ?? []) walk(step, rate)
  }
  const walk = (step: Step, rate: number): void => {
    if ('call' in step) visit(step.call, step.optional ? rate * optional : rate)
    else if ('send' in step) {
      visit(step.send, rate)
      for (const [name, service] of Object.entries(services)) {
        const consumer = service.kind === 'service' ? service.consumes[step.send] : undefined
        if (consumer !== undefined) visit(`${name}/${consumer}`, rate)
      }
    } else if ('cache' in step) {
      visit(`${step.cache}/GET`, rate)
      for (const one of step.miss) walk(one, rate * (1 - step.hit))
    } else if ('parallel' in step) for (const one of step.parallel) walk(one, rate)
    else for (const one of step.steps) walk(one, rate * ('repeat' in step ? step.repeat : step.maybe))
  }
  const total = users.operations.reduce((sum, { weight }) => sum + weight, 0)
  for (const { call, weight } of users.operations) visit(call, (users.rate * weight) / total)
  return visits
}
