import type { Context } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { Outbox } from '../../pipeline/streams/outbox.ts'
import { type Anomaly, writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'

export interface Waiting {
  readonly origin: Origin
  readonly anomaly: Anomaly
}

export function newOutbox(context: Context): Outbox<Waiting> {
  return new Outbox(context, {
    maxWaiting: 10_000,
    noun: 'events',
    write: (builder, { anomaly }) => writeAnomaly(builder, anomaly),
  })
}
