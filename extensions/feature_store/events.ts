/** Events as they came, the newest so many. */
import type { EventQuery, StoredEvent } from '../../pipeline/capability/feature-store.ts'
import { fromChunks } from '../../pipeline/data/batch.ts'
import type { In, LogRecord, Logs } from '../../pipeline/data/telemetry.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { type EventName, eventNames, readEnvelope } from '../../pipeline/vocabulary/event.ts'

export interface KeptEvent extends StoredEvent {
  /** Equal for what says the same: the same thing twice is one event. */
  readonly key: string
  readonly observedUnixNano: bigint
  isStored: boolean
}

const maxAnswer = 10_000
/** Of the objects around the record, about. */
const overheadBytes = 1_500

export class Events {
  bytes = 0
  evicted = 0
  private maxEvents: number
  /** In the order in which they came. */
  private readonly byKey = new Map<string, KeptEvent>()

  constructor(maxEvents: number) {
    this.maxEvents = maxEvents
  }

  get size(): number {
    return this.byKey.size
  }

  adopt(maxEvents: number): void {
    this.maxEvents = maxEvents
  }

  all(): Iterable<KeptEvent> {
    return this.byKey.values()
  }

  /** Undefined for what was there already. */
  add(event: KeptEvent): KeptEvent | undefined {
    if (this.byKey.has(event.key)) return undefined
    this.byKey.set(event.key, event)
    this.bytes += bytesOf(event)
    if (this.byKey.size > this.maxEvents) {
      const [oldest] = this.byKey.values()
      this.remove(oldest!)
      this.evicted++
    }
    return event
  }

  forget(beforeUnixNano: bigint): void {
    for (const event of this.byKey.values()) if (event.observedUnixNano < beforeUnixNano) this.remove(event)
  }

  read({ names, entities, fromUnixNano = 0n, untilUnixNano, limit = maxAnswer }: EventQuery): readonly StoredEvent[] {
    const found: KeptEvent[] = []
    for (const event of this.byKey.values()) {
      if (event.observedUnixNano < fromUnixNano) continue
      if (untilUnixNano !== undefined && event.observedUnixNano > untilUnixNano) continue
      if (names !== undefined && !names.includes(event.name)) continue
      if (entities !== undefined && !entities.includes(event.entityId)) continue
      found.push(event)
    }
    found.sort((a, b) =>
      a.observedUnixNano < b.observedUnixNano ? -1 : a.observedUnixNano > b.observedUnixNano ? 1 : 0,
    )
    return found.slice(-Math.max(0, Math.min(limit, maxAnswer)))
  }

  private remove(event: KeptEvent): void {
    this.byKey.delete(event.key)
    this.bytes -= bytesOf(event)
  }
}

/** Undefined for a record that is no event of ours. */
export function eventOf(record: LogRecord & In, logs: () => Logs, isStored: boolean): KeptEvent | undefined {
  const name = eventNames.find((one) => one === record.eventName)
  if (name === undefined) return undefined
  const envelope = readEnvelope(record)
  if (envelope === undefined) return undefined
  const state = record.attributes.get(`${name}.state`)
  return {
    key: JSON.stringify([name, envelope.id, envelope.incident_revision ?? 0, typeof state === 'string' ? state : '']),
    name,
    entityId: entityId(envelope.entity),
    envelope,
    logs: logs(),
    observedUnixNano: BigInt(envelope.observed_time),
    isStored,
  }
}

/** The record of an event alone, as bytes and back. */
export function eventBytes({ logs }: StoredEvent): Uint8Array {
  return Buffer.concat(logs.chunks)
}
export function eventLogs(bytes: Uint8Array): Logs {
  return fromChunks('logs', [bytes], [1])
}

/** Each event of a batch that is one, apart from the others. */
export function* eventsIn(batch: Logs): Iterable<KeptEvent> {
  let at = 0
  const isEvent: boolean[] = []
  for (const record of batch) isEvent.push(eventNames.includes(record.eventName as EventName))
  if (!isEvent.includes(true)) return
  for (const [index, record] of [...batch].entries()) {
    if (!isEvent[index]) continue
    const only = () => {
      at = 0
      return batch.filter(() => at++ === index).compact()
    }
    const event = eventOf(record, only, false)
    if (event !== undefined) yield event
  }
}

function bytesOf({ logs, key }: KeptEvent): number {
  return logs.byteLength + key.length + overheadBytes
}
