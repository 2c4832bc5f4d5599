/** Who knows the truth does what would have fixed it. The best that anybody could do who noticed it at the same time. */
import type { Control } from '../../simulate/control/control.ts'
import type { FaultTruth } from '../../simulate/scenario/truth.ts'
import type { Run } from '../scenario-set.ts'
import type { Planned } from './replay.ts'

/** From the onset until it acts. */
export const detectionMs = 60_000
/** What comes back after a restart is restarted again. */
const againMs = 4 * 60_000
const rounds = 9

export function oracle(run: Run, faults: readonly FaultTruth[], delayMs: number): readonly Planned[] {
  return faults.flatMap((fault) => repairsOf(fault, run, Date.parse(fault.onset) - run.startMs + delayMs))
}

function repairsOf({ fault, root, repairs }: FaultTruth, run: Run, atMs: number): readonly Planned[] {
  // Of several the last goes to the root of it.
  const repair = repairs.at(-1)
  if (repair === undefined || repair.action === 'wait') return []
  const { action, target } = repair
  const plan = (act: Planned['act'], ms = atMs): Planned => ({ atMs: ms, what: `${action} ${target}`, act })
  const doing = (name: string, args: object) => (control: Control) => void control.act(name, args, 'oracle')
  switch (action) {
    case 'restart': {
      const restart = doing('restart', { service: target })
      if (fault !== 'worker_leak') return [plan(restart)]
      return Array.from({ length: rounds }, (_, i) => plan(restart, atMs + i * againMs))
    }
    case 'create_index': {
      const slash = target.indexOf('/')
      return [plan(doing(action, { database: target.slice(0, slash), index: target.slice(slash + 1) }))]
    }
    case 'end_transactions':
      return [plan(doing(action, { database: target }))]
    case 'set_clock':
    case 'drain':
      return [plan(doing(action, { node: target }))]
    case 'rollback_config': {
      const spec = run.topology.services[target]
      const size = spec?.kind === 'service' ? spec.pool : undefined
      return size === undefined ? [] : [plan(doing('set_pool', { service: target, database: root.name, size }))]
    }
    case 'scale': {
      const factor = run.scenario.events.find((one) => one.fault?.type === 'traffic_surge')?.fault
      return [plan((control) => scaleAll(control, factor?.type === 'traffic_surge' ? factor.factor : 2))]
    }
    default:
      return [plan(doing(action, { service: target }))]
  }
}

function scaleAll(control: Control, factor: number): void {
  const { world } = control.playing
  for (const service of world.services.values()) {
    if (service.spec.kind !== 'service') continue
    const replicas = Math.min(20, Math.ceil(world.cluster.replicas(service) * factor))
    if (replicas > world.cluster.replicas(service)) control.act('scale', { service: service.name, replicas }, 'oracle')
  }
}
