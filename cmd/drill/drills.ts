/** What goes wrong in a drill, and which alarm says so. */
import type { z } from 'zod'
import type { Anomaly, AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import type { fault } from '../simulate/scenario/schema.ts'

export interface Drill {
  readonly name: string
  /** As in a scenario; absent where the drill itself does it. */
  readonly fault?: z.output<typeof fault>
  readonly seconds: number
  /** The services whose alarm, or that of a part of theirs or an edge to them, is the right one. */
  readonly entity: string
  readonly types: readonly AnomalyType[]
}

/** Seconds from one drill's end to the next one's beginning: what was wrong must be over first. */
export const restSeconds = 150
/** What Vigil has to say it in, of wall clock since the onset. */
export const goalSeconds = 45

export const drills: readonly Drill[] = [
  {
    name: 'slow',
    fault: { type: 'slow_operation', operation: 'cart/AddItem', wait: 40, cpu: 20 },
    seconds: 90,
    entity: 'cart',
    types: ['slow'],
  },
  {
    name: 'failing',
    fault: {
      type: 'errors',
      operation: 'catalog/GetProduct',
      share: 0.3,
      early: false,
      errorType: 'IllegalStateException',
    },
    seconds: 90,
    entity: 'catalog',
    types: ['failing'],
  },
  {
    name: 'silent',
    fault: { type: 'telemetry_loss', service: 'ads' },
    seconds: 90,
    entity: 'ads',
    types: ['blind', 'silent'],
  },
  {
    name: 'leaking',
    fault: { type: 'memory_leak', service: 'recommendation', perRequest: 400_000 },
    seconds: 120,
    entity: 'recommendation',
    types: ['leaking'],
  },
  { name: 'noisy in its logs', seconds: 90, entity: 'shipping', types: ['noisy_logs', 'new_logs'] },
]

/** All sources fall silent, at the very end. */
export const blindness: Drill = { name: 'all silent', seconds: 90, entity: '', types: ['blind'] }

/** Whether the alarm is about what went wrong. */
export function isAnswer({ entity, types }: Drill, anomaly: Anomaly): boolean {
  if (anomaly.state !== 'active' || !types.includes(anomaly.type)) return false
  const { kind, service, name } = anomaly.entity
  if (entity === '') return true
  return (
    service === entity || (kind === 'edge' ? name.includes(entity) : name === entity || name.startsWith(`${entity}-`))
  )
}
