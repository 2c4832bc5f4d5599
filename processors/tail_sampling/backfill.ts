/** When an alarm opens, takes the traces from before out of the flight recorder: those that were let go because nobody knew yet. */
import { type FlightRecorder, flightRecorder } from '../../pipeline/capability/flight-recorder.ts'
import { type OpenAlarm, type OpenAlarms, openAlarms } from '../../pipeline/capability/judgements.ts'
import type { Context } from '../../pipeline/component.ts'
import { Slices } from '../../pipeline/slices.ts'
import { parseEntityId } from '../../pipeline/vocabulary/entity.ts'
import type { Decisions } from './decisions.ts'
import type { IncidentPolicy } from './policies/incident.ts'
import type { Telemetry } from './telemetry.ts'

interface Wanted {
  readonly alarm: OpenAlarm
  readonly policy: IncidentPolicy
  readonly recorder: FlightRecorder
}

/** Alarms that wait for the recorder; of more, it is not asked. */
const maxWaiting = 100
/** Traces that were taken out and are remembered, so that the next alarm does not send them again. */
const maxSent = 20_000

export class Backfill {
  private readonly decisions: Decisions
  private readonly context: Context
  private readonly telemetry: Telemetry
  private readonly graceMs: number
  private readonly stops: (() => void)[] = []
  private readonly waiting: Wanted[] = []
  private readonly sent = new Set<string>()
  private running: Promise<void> | undefined
  private isStopped = false

  constructor(decisions: Decisions, context: Context, telemetry: Telemetry, decisionWaitMs: number) {
    this.decisions = decisions
    this.context = context
    this.telemetry = telemetry
    this.graceMs = decisionWaitMs + 2_000
  }

  /** Throws where nothing knows what is open. */
  start(): void {
    for (const policy of this.decisions.incidents) {
      const alarms = this.findAlarms(policy)
      policy.connect(alarms, this.graceMs)
      const recorder = this.findRecorder(policy)
      // As a part of another policy it has no say of its own.
      if (recorder === undefined || !policy.isTop || policy.settings.max_traces === 0) continue
      this.stops.push(alarms.onOpened((alarm) => this.want({ alarm, policy, recorder })))
    }
  }

  async stop(): Promise<void> {
    this.isStopped = true
    for (const stop of this.stops.splice(0)) stop()
    await this.running
  }

  private want(wanted: Wanted): void {
    if (this.isStopped) return
    if (this.waiting.length >= maxWaiting) {
      this.telemetry.skippedAlarms.add(1)
      return
    }
    this.waiting.push(wanted)
    this.running ??= this.work().finally(() => {
      this.running = undefined
    })
  }

  private async work(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined && !this.isStopped; next = this.waiting.shift()) {
      try {
        await this.recover(next)
      } catch (error) {
        this.telemetry.skippedAlarms.add(1)
        this.context.logger.warn(
          'The flight recorder could not be read for an alarm; its traces from before stay there.',
          {
            entity: next.alarm.entity,
            error,
          },
        )
      }
    }
  }

  private async recover({ alarm, policy, recorder }: Wanted): Promise<void> {
    const entity = parseEntityId(alarm.entity)
    if (entity === undefined) return
    const { lookback, max_traces: maxTraces, max_bytes: maxBytes } = policy.settings
    const fromUnixNano = alarm.sinceUnixNano - BigInt(Math.round(lookback)) * 1_000_000n
    const traces = await recorder.tracesThrough({ entity, fromUnixNano, maxTraces, maxBytes })
    const slices = new Slices(this.context.clock)
    let recovered = 0
    for (const { traceId, spans } of traces.groupByTrace()) {
      if (traceId === '' || this.sent.has(traceId)) continue
      if (this.decisions.recover(traceId, spans, policy.path)) {
        recovered++
        this.remember(traceId)
      }
      if (!slices.isOver) continue
      await this.decisions.outgoing.flush()
      await slices.pause()
      if (this.isStopped) break
    }
    await this.decisions.outgoing.flush()
    this.decisions.counts.flush()
    this.telemetry.recovered.add(recovered)
  }

  private remember(traceId: string): void {
    this.sent.add(traceId)
    if (this.sent.size > maxSent) this.sent.delete(this.sent.values().next().value!)
  }

  private findAlarms({ path, settings }: IncidentPolicy): OpenAlarms {
    try {
      return this.context.extension(openAlarms, settings.judgements)
    } catch (cause) {
      const wanted = settings.judgements === undefined ? 'extension' : `extension "${settings.judgements}"`
      throw new Error(
        `the policy ${path} needs to know open alarms, and no ${wanted} does: add feature_store to extensions and to service::extensions`,
        { cause },
      )
    }
  }

  /** Undefined where there is none and none was asked for. */
  private findRecorder({ path, settings }: IncidentPolicy): FlightRecorder | undefined {
    try {
      return this.context.extension(flightRecorder, settings.flight_recorder)
    } catch (cause) {
      if (settings.flight_recorder === undefined) return undefined
      throw new Error(
        `the policy ${path} reads from "${settings.flight_recorder}", and there is no such flight recorder: add it to extensions and to service::extensions`,
        { cause },
      )
    }
  }
}
