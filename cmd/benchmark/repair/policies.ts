/** Deliberately simple ways to act on an alarm, as scripts in a runbook do. What is measured must beat them, and must do less harm. */
import type { Control } from '../../simulate/control/control.ts'
import type { ServiceSpec, Topology } from '../../simulate/topology/schema.ts'
import { highestScore, latestDeploy, mostAlerts } from '../baselines/rankings.ts'
import type { Incident, Known, Ranking } from '../subject.ts'
import type { Planned } from './replay.ts'

/** From the first alert of an incident until somebody acts: what alarms meanwhile is taken into account. */
export const thinkMs = 60_000
/** The same is not done to the same twice within this. */
const restMs = 10 * 60_000

export interface Policy {
  readonly name: string
  /** Whose alarms it acts on. */
  readonly detector: string
  readonly rank: Ranking
  /** As the simulator names it. */
  readonly action: string
  /** Of what of a topology it can be done to. */
  readonly kinds: readonly ServiceSpec['kind'][]
  readonly args: (service: string, control: Control) => object
}

/** One plan for all incidents of a run. `rank` sees no more than what was known when it acts. */
export function planOf(
  { rank, action, kinds, args }: Policy,
  { services }: Topology,
  incidents: readonly Incident[],
  known: Known,
): readonly Planned[] {
  const lastMs = new Map<string, number>()
  return incidents.flatMap(({ openMs, alerts }) => {
    const atMs = openMs + thinkMs
    const seen = { openMs, alerts: alerts.filter((one) => one.atMs <= atMs && one.isSuppressed !== true) }
    const suspects = rank(seen, { ...known, events: known.events.filter((one) => one.atMs <= atMs) })
    const service = suspects.find((one) => {
      const kind = services[one]?.kind
      return kind !== undefined && kinds.includes(kind)
    })
    if (service === undefined || atMs - (lastMs.get(service) ?? Number.NEGATIVE_INFINITY) < restMs) return []
    lastMs.set(service, atMs)
    const act = (control: Control) => void control.act(action, args(service, control), 'policy')
    return [{ atMs, what: `${action} ${service}`, act }]
  })
}

const ours = ['service', 'database', 'cache', 'queue'] as const
const itself = (service: string) => ({ service })

function halfMore(service: string, { playing }: Control): object {
  const { cluster } = playing.world
  return { service, replicas: Math.ceil(cluster.replicas(playing.world.service(service)) * 1.5) + 1 }
}

const restart = { rank: mostAlerts, action: 'restart', kinds: ours, args: itself } as const
const rollback = { rank: latestDeploy, action: 'rollback', kinds: ours, args: itself } as const
const scale = { rank: highestScore, action: 'scale', kinds: ['service'], args: halfMore } as const

/** What is done on the alarms of one detector. */
function policiesOf(detector: string): readonly Policy[] {
  return [
    { ...restart, name: `${detector}: restart the alarmed`, detector },
    { ...rollback, name: `${detector}: roll back the latest deploy`, detector },
    { ...scale, name: `${detector}: scale up the loudest`, detector },
  ]
}

/** Of detectors that are not alarmed all the time. */
export function policiesFor(detectors: ReadonlySet<string>): readonly Policy[] {
  return ['static thresholds', 'max-z', 'vigil']
    .filter((one) => detectors.has(one))
    .flatMap((one) => (one === 'static thresholds' ? policiesOf(one).slice(0, 1) : policiesOf(one)))
}
