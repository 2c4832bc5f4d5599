/** What is done to instances and nodes, as Kubernetes does it, with its delays. */
import { z } from 'zod'
import type { Machine } from '../world/machine.ts'
import type { Service } from '../world/service.ts'
import type { World } from '../world/world.ts'
import { type Action, ActionError, defineAction, instanceOf, listOf, nodeOf, oneOf, ownService } from './action.ts'
import { setting } from './traffic-actions.ts'

const service = z.string().describe('The service.')
const node = z.string().describe('The node.')
const instance = z.string().describe('The instance.')
/** An eviction that a disruption budget refuses is tried again after this long, as kubectl drain does. */
const evictAgainMs = 5_000

export const platformActions: readonly Action[] = [
  defineAction(
    'scale',
    'So many instances of a service; new ones need their time to start.',
    z.strictObject({ service, replicas: z.int().min(0).max(1_000).describe('How many.') }),
    ({ service: name, replicas }, { world }) => {
      const target = ownService(world, name)
      const { autoscale } = target
      return {
        ...setting(
          name,
          () => replicas,
          () => world.cluster.replicas(target),
          (count) => world.cluster.scale(target, count),
        ),
        ...(autoscale === undefined
          ? {}
          : { note: `an autoscaler (${autoscale.min} to ${autoscale.max}) scales it too and may overrule this` }),
      }
    },
  ),

  defineAction(
    'set_autoscaling',
    'The bounds and the aim of the autoscaler of a service.',
    z.strictObject({
      service,
      min: z.int().min(1).max(1_000).optional().describe('Instances at least.'),
      max: z.int().min(1).max(1_000).optional().describe('Instances at most.'),
      cpu: z.number().min(0.01).max(1).optional().describe('The utilization it aims at.'),
    }),
    ({ service: name, min, max, cpu }, { world }) => {
      const target = ownService(world, name)
      const now = target.autoscale
      if (now === undefined) {
        const scaled = [...world.services.values()].filter((one) => one.autoscale !== undefined)
        throw new ActionError(409, `${name} has no autoscaler; ${listOf(scaled.map((one) => one.name))}`)
      }
      const next = { min: min ?? now.min, max: max ?? now.max, cpu: cpu ?? now.cpu }
      if (next.min > next.max) throw new ActionError(400, `min ${next.min} is more than max ${next.max}`)
      return setting<Service['autoscale']>(
        name,
        () => next,
        () => target.autoscale,
        (value) => {
          target.autoscale = value
          const count = world.cluster.replicas(target)
          if (value !== undefined) world.cluster.scale(target, Math.min(value.max, Math.max(value.min, count)))
        },
      )
    },
  ),

  defineAction(
    'restart',
    'Replaces the instances of a service one by one: what they held is lost, and what a request still does after 5 s.',
    z.strictObject({ service }),
    ({ service: name }, { world }) => {
      const target = ownService(world, name)
      return { target: name, run: () => world.cluster.restart(target) }
    },
    { isReversible: false },
  ),

  defineAction(
    'deploy',
    'Rolls a version out that there is.',
    z.strictObject({
      service,
      version: z.string().describe('Its name.'),
      share: z.number().gt(0).max(1).default(1).describe('How many instances get it; less than 1 is a canary.'),
    }),
    ({ service: name, version, share }, { world }) => {
      const target = ownService(world, name)
      oneOf(`version of ${name}`, version, target.versions.values(), (one) => one.name)
      if (target.instances.length > 0 && target.instances.every((one) => one.version.name === version)) {
        throw new ActionError(409, `${name} runs ${version} already`)
      }
      const before = target.revision
      return {
        target: `${name} ${version}`,
        run: () => world.cluster.deploy(target, version, share),
        reverse: () => world.cluster.rollback(target, before),
        holds: () => (share < 1 ? target.revision === before : target.version.name === version),
      }
    },
  ),

  defineAction(
    'rollback',
    'Goes back to the version before, or to a revision; a canary is taken back.',
    z.strictObject({
      service,
      revision: z.int().min(1).optional().describe('Its number; if absent, the last one with another version.'),
    }),
    ({ service: name, revision }, { world }) => {
      const target = ownService(world, name)
      const before = target.revision
      const to = revision === undefined ? beforeNow(target) : revisionOf(target, revision)
      if (to === undefined) throw new ActionError(409, `${name} has no revision to go back to`)
      if (to === before && target.instances.every((one) => one.revision === to)) {
        throw new ActionError(409, `${name} runs revision ${to.number} already`)
      }
      return {
        target: `${name} ${to.version.name}`,
        run: () => world.cluster.rollback(target, to),
        reverse: () => world.cluster.rollback(target, before),
        holds: () => target.revision === to,
      }
    },
  ),

  defineAction(
    'kill_instance',
    'Ends a process at once, with all it was doing; it is started again in its place.',
    z.strictObject({ instance }),
    ({ instance: name }, { world }) => {
      const target = instanceOf(world, name)
      return { target: name, run: (guard) => world.cluster.crash(target, 'killed', guard) }
    },
    { isReversible: false },
  ),

  defineAction(
    'delete_instance',
    'Ends an instance in good order; a new one takes its place when it has started.',
    z.strictObject({ instance, force: z.boolean().default(false).describe('At once, with all it was doing.') }),
    ({ instance: name, force }, { world }) => {
      const target = instanceOf(world, name)
      if (target.isStopping && !force) throw new ActionError(409, `${name} is stopping already`)
      return { target: name, run: (guard) => world.cluster.replace(target, { isForced: force, guard }) }
    },
    { isReversible: false },
  ),

  defineAction(
    'evict_instance',
    'As delete_instance, but refused while another instance of the service is missing.',
    z.strictObject({ instance }),
    ({ instance: name }, { world }) => {
      const target = instanceOf(world, name)
      if (target.isStopping) throw new ActionError(409, `${name} is stopping already`)
      if (!world.cluster.mayEvict(target)) {
        throw new ActionError(409, `${name} has to stay: another instance of ${target.service.name} is missing`)
      }
      return { target: name, run: () => world.cluster.replace(target) }
    },
    { isReversible: false },
  ),

  defineAction('cordon', 'Nothing new is started on a node.', z.strictObject({ node }), ({ node: name }, { world }) => {
    const machine = nodeOf(world, name)
    if (machine.isCordoned) throw new ActionError(409, `${name} is cordoned already`)
    return {
      target: name,
      run: () => world.cluster.cordon(machine),
      reverse: () => world.cluster.uncordon(machine),
      holds: () => machine.isCordoned,
    }
  }),

  defineAction(
    'uncordon',
    'A node takes new instances again; what waits for room is started.',
    z.strictObject({ node }),
    ({ node: name }, { world }) => {
      const machine = nodeOf(world, name)
      if (!machine.isCordoned) throw new ActionError(409, `${name} is not cordoned`)
      return {
        target: name,
        run: () => world.cluster.uncordon(machine),
        reverse: () => world.cluster.cordon(machine),
        holds: () => !machine.isCordoned,
      }
    },
  ),

  defineAction(
    'drain',
    'Cordons a node and evicts what runs there, one instance of a service after the other.',
    z.strictObject({ node }),
    ({ node: name }, { world }) => {
      const machine = nodeOf(world, name)
      return {
        target: name,
        run: () => {
          if (!machine.isCordoned) world.cluster.cordon(machine)
          evictAll(world, machine)
        },
        reverse: () => world.cluster.uncordon(machine),
        holds: () => machine.isCordoned,
      }
    },
  ),

  defineAction(
    'set_clock',
    'Sets the clock of a node right.',
    z.strictObject({ node }),
    ({ node: name }, { world }) => {
      const machine = nodeOf(world, name)
      return { target: name, run: () => void (machine.skewMs = 0) }
    },
    { isReversible: false },
  ),
]

function beforeNow(target: Service) {
  const { revision, revisions, instances } = target
  if (instances.some((one) => one.version !== revision.version && !one.isStopping)) {
    const isCanary = !revisions.slice(revisions.indexOf(revision) + 1).every((one) => one.version === revision.version)
    if (isCanary) return revision
  }
  return revisions.findLast((one) => one.version !== revision.version)
}

function revisionOf({ name, revisions }: Service, number: number) {
  const found = revisions.find((one) => one.number === number)
  if (found !== undefined) return found
  const known = revisions.map((one) => `${one.number} (${one.version.name})`)
  throw new ActionError(404, `${name} has no revision ${number}; ${listOf(known)}`)
}

/** Goes on until the node is empty or takes instances again. */
function evictAll(world: World, machine: Machine): void {
  if (!machine.isCordoned) return
  let isEmpty = true
  for (const one of machine.instances) {
    if (one.isStopping) continue
    if (one.service.spec.kind === 'external') continue
    if (world.cluster.mayEvict(one)) world.cluster.replace(one)
    else isEmpty = false
  }
  if (!isEmpty) world.schedule.after(evictAgainMs, () => evictAll(world, machine))
}
