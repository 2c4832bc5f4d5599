/** Incidents that wait for a diagnosis: one at a time, the most urgent first, of each only its newest revision. What waits holds nothing up. */
import { featureStore } from '../../pipeline/capability/feature-store.ts'
import { flightRecorder } from '../../pipeline/capability/flight-recorder.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { writeDiagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import { type Incident, priorities } from '../../pipeline/vocabulary/incident.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { conclude } from './conclude.ts'
import type { Config } from './config.ts'
import { findingsOf, type Sources } from './diagnose.ts'

interface Waiting {
  readonly incident: Incident
  readonly origin: Origin | undefined
}

const durationBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export class Desk {
  readonly #context: Context
  readonly #settings: Config
  readonly #time: LocalTime
  readonly #waiting = new Map<string, Waiting>()
  readonly #instruments
  #sources: Sources | undefined
  #working: Promise<void> | undefined
  #ending = new AbortController()

  constructor(settings: Config, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#time = new LocalTime(settings.time_zone)
    const { meter } = context
    const name = (rest: string) => `otelcol_processor_rca_${rest}`
    this.#instruments = {
      diagnoses: meter.counter(name('diagnoses'), 'Diagnoses by verdict, or `failed` or `timeout`.'),
      seconds: meter.histogram(name('duration'), durationBuckets, 'How long a diagnosis takes, in s.'),
      skipped: meter.counter(
        name('skipped_revisions'),
        'Revisions without a diagnosis: a newer one came first, it was over, or too many waited.',
      ),
    }
  }

  /** Throws with the cure where an extension is missing. */
  open(): void {
    const { feature_store, flight_recorder } = this.#settings
    this.#sources = {
      store: required(() => this.#context.extension(featureStore, feature_store), 'feature store', feature_store),
      recorder:
        flight_recorder === undefined
          ? undefined
          : required(
              () => this.#context.extension(flightRecorder, flight_recorder),
              'flight recorder',
              flight_recorder,
            ),
      settings: this.#settings,
      clock: this.#context.clock,
    }
  }

  /** Never waits. */
  put(incident: Incident, origin: Origin | undefined): void {
    const id = incident.incident_id
    const known = this.#waiting.get(id)
    if (
      incident.state === 'resolved' ||
      incident.state === 'merged' ||
      incident.blind ||
      incident.members.length === 0
    ) {
      if (this.#waiting.delete(id)) this.#instruments.skipped.add(1)
      return
    }
    if (known !== undefined) {
      this.#instruments.skipped.add(1)
      if (known.incident.incident_revision > incident.incident_revision) return
    }
    this.#waiting.set(id, { incident, origin })
    if (this.#waiting.size > this.#settings.max_waiting) {
      const least = [...this.#waiting.values()].reduce((a, b) => (byUrgency(a, b) >= 0 ? a : b))
      this.#waiting.delete(least.incident.incident_id)
      this.#instruments.skipped.add(1)
      this.#context.logger.warn('Too many incidents wait for a diagnosis; one is not diagnosed.', {
        incident: least.incident.incident_id,
        max_waiting: this.#settings.max_waiting,
      })
    }
    if (this.#working !== undefined) return
    // A timer: what brought the incident goes on first, and whoever tells the time waits for a moment.
    this.#working = new Promise((resolve) => {
      this.#context.clock.after(0, () => {
        const work = this.#work().finally(() => {
          this.#working = undefined
          resolve()
        })
        return work
      })
    })
  }

  async close(): Promise<void> {
    this.#ending.abort(new Error('shut down'))
    this.#waiting.clear()
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#ending.signal.aborted) {
      const next = [...this.#waiting.values()].reduce((a, b) => (byUrgency(a, b) <= 0 ? a : b))
      this.#waiting.delete(next.incident.incident_id)
      await this.#diagnose(next)
    }
  }

  async #diagnose({ incident, origin }: Waiting): Promise<void> {
    const { logger, emit, random } = this.#context
    const sources = this.#sources
    if (sources === undefined) return
    // Our own work takes the time of the wall, whatever the clock of the telemetry says.
    const startMs = performance.now()
    const late = AbortSignal.timeout(this.#settings.timeout)
    const signal = AbortSignal.any([late, this.#ending.signal])
    const where = { incident: incident.incident_id, revision: incident.incident_revision }
    try {
      const diagnosis = await untilAborted(signal, async () => {
        const findings = await findingsOf(sources, incident, signal)
        const tookSeconds = (performance.now() - startMs) / 1_000
        return conclude(findings, { store: sources.store, time: this.#time, random, tookSeconds })
      })
      this.#instruments.diagnoses.add(1, { verdict: diagnosis.verdict })
      this.#instruments.seconds.record((performance.now() - startMs) / 1_000)
      await emit.logs(eventLogs(origin, (builder) => writeDiagnosis(builder, diagnosis)))
    } catch (error) {
      if (this.#ending.signal.aborted) return
      this.#instruments.diagnoses.add(1, { verdict: late.aborted ? 'timeout' : 'failed' })
      const { timeout } = this.#settings
      if (late.aborted) logger.error('A diagnosis took longer than timeout; it is given up.', { ...where, timeout })
      else logger.error('An incident could not be diagnosed.', { ...where, error })
    }
  }
}

/** What hangs is left behind: its answer, should it ever come, is nobody's. */
function untilAborted<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    run().then(resolve, reject)
  })
}

/** Negative where `a` comes first. */
function byUrgency(a: Waiting, b: Waiting): number {
  return (
    priorities.indexOf(a.incident.priority) - priorities.indexOf(b.incident.priority) ||
    Number(BigInt(a.incident.opened) - BigInt(b.incident.opened))
  )
}

function required<T>(find: () => T, what: string, extension: string): T {
  try {
    return find()
  } catch (cause) {
    throw new Error(
      `no ${what} "${extension}": add ${what.replaceAll(' ', '_')} to extensions and to service::extensions`,
      { cause },
    )
  }
}
