/** Keeps traces that cross an entity with an open alarm or incident, also those from shortly before its onset. */
import type { OpenAlarm, OpenAlarms } from '../../../pipeline/capability/judgements.ts'
import type { Clock } from '../../../pipeline/component.ts'
import { type Crossing, crosses, serviceId } from '../../../pipeline/vocabulary/crossing.ts'
import { parseEntityId } from '../../../pipeline/vocabulary/entity.ts'
import type { PolicySettings } from '../policies-config.ts'
import type { TraceView } from '../trace-view.ts'
import type { Policy } from './policy.ts'

export type IncidentSettings = NonNullable<PolicySettings['incident']>

export const defaultIncident: IncidentSettings = {
  lookback: 300_000,
  max_traces: 1_000,
  max_bytes: 16 * 1024 * 1024,
}

interface Watched {
  readonly crossing: Crossing
  /** Traces that ended before are not of it. */
  readonly sinceUnixNano: bigint
  /** Traces are decided some time after they came: what closed meanwhile still counts for so long. */
  untilMs: number
}

/** What is open is asked for once a second at most. */
const refreshMs = 1_000
/** Span kinds: client, producer and consumer name whom they call. */
const firstCallingKind = 3

export class IncidentPolicy implements Policy {
  readonly settings: IncidentSettings
  /** Its name, and those of the policies that it is a part of. */
  readonly path: string
  /** It is one of the policies of the processor, and not a part of one. */
  readonly isTop: boolean
  private readonly clock: Clock
  private alarms: OpenAlarms | undefined
  private graceMs = 0
  private nextMs = Number.NEGATIVE_INFINITY
  private readonly watched = new Map<string, Watched>()

  constructor(settings: IncidentSettings, path: string, isTop: boolean, clock: Clock) {
    this.settings = settings
    this.path = path
    this.isTop = isTop
    this.clock = clock
  }

  /** `graceMs`: how long after a trace came it may be decided. */
  connect(alarms: OpenAlarms, graceMs: number): void {
    this.alarms = alarms
    this.graceMs = graceMs
  }

  decide(trace: TraceView) {
    this.refresh()
    if (this.watched.size === 0) return 'not_sampled'
    let services: Set<string> | undefined
    for (const { crossing, sinceUnixNano } of this.watched.values()) {
      services ??= new Set(trace.resources.map(serviceId))
      const isCrossed = crossing.service === undefined ? callsIt(trace, crossing) : services.has(crossing.service)
      if (isCrossed && trace.spans.some(({ endUnixNano }) => endUnixNano >= sinceUnixNano)) return 'sampled'
    }
    return 'not_sampled'
  }

  private refresh(): void {
    const nowMs = this.clock.nowMs()
    if (nowMs < this.nextMs || this.alarms === undefined) return
    this.nextMs = nowMs + refreshMs
    if (!this.alarms.isEmpty) for (const alarm of this.alarms.all()) this.watch(alarm, nowMs)
    for (const [key, { untilMs }] of this.watched) if (untilMs < nowMs) this.watched.delete(key)
  }

  private watch({ entity, eventId, sinceUnixNano }: OpenAlarm, nowMs: number): void {
    const key = `${entity}\n${eventId}`
    const known = this.watched.get(key)
    if (known !== undefined) {
      known.untilMs = nowMs + this.graceMs
      return
    }
    const of = parseEntityId(entity)
    if (of === undefined) return
    const lookback = BigInt(Math.round(this.settings.lookback)) * 1_000_000n
    this.watched.set(key, {
      crossing: crosses(of),
      sinceUnixNano: sinceUnixNano - lookback,
      untilMs: nowMs + this.graceMs,
    })
  }
}

function callsIt({ spans }: TraceView, crossing: Crossing): boolean {
  for (const span of spans) if (span.kind >= firstCallingKind && crossing.matches(span)) return true
  return false
}
