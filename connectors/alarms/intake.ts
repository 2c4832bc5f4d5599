/** Takes what comes in of entities: each point to where it is kept. */
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { findingOf, newExplanation } from './explanation.ts'
import type { Meaning } from './readings.ts'
import type { SensorHealth } from './sensor-health.ts'
import type { WatchCounts } from './telemetry.ts'
import { type Registry, setLevel, type Watched } from './watched.ts'

/** What came of one time. */
export interface Taken {
  /** Entities with a p-value of a window that was not judged yet. */
  readonly scored: readonly Watched[]
  /** Where it was told how long signals are silent: when. */
  readonly reviewAt: number | undefined
}

export class Intake {
  readonly #maxEntities: number
  readonly #registry: Registry
  readonly #sensors: SensorHealth
  readonly #counts: WatchCounts
  readonly #makeRoom: () => void
  #scored: Watched[] = []
  #cold = 0
  #reviewAt: number | undefined
  /** Entities that are being learned, as of the last tick that said so. */
  cold = 0
  /** End of the latest window of anything, seconds. */
  at = Number.NEGATIVE_INFINITY
  /** End of the latest window that was decided. */
  decidedAt = Number.NEGATIVE_INFINITY

  constructor(
    maxEntities: number,
    registry: Registry,
    sensors: SensorHealth,
    counts: WatchCounts,
    makeRoom: () => void,
  ) {
    this.#maxEntities = maxEntities
    this.#registry = registry
    this.#sensors = sensors
    this.#counts = counts
    this.#makeRoom = makeRoom
  }

  /** One point. */
  take(meaning: Meaning, value: number, at: number): void {
    // Even what there is no room for says how late it is.
    if (at > this.at) this.at = at
    let { watched } = meaning
    if (watched === undefined || watched.isGone) {
      watched = this.#watched(meaning)
      meaning.watched = watched
      if (watched === undefined) return
    }
    // What comes again with a higher revision is about a window that was decided.
    if (at < this.decidedAt) {
      if (meaning.role === 'p') this.#counts.late(1)
      return
    }
    if (at > watched.seenAt) watched.seenAt = at
    switch (meaning.role) {
      case 'p':
        if (at <= watched.pAt || !(value >= 0 && value <= 1)) return
        watched.p = value
        watched.pAt = at
        this.#scored.push(watched)
        return
      case 'score':
        watched.score = value
        return
      case 'cold':
        if (value > 0 && at > watched.coldAt) this.#cold++
        watched.coldAt = at
        return
      case 'age':
        this.#sensors.hear(watched, meaning.signal, value, at)
        this.#reviewAt = at
        return
      case 'requests':
        setLevel(watched.requests, value, at)
        return
      case 'error_ratio':
        setLevel(watched.errorRatio, value, at)
        return
      case 'cpu':
        setLevel(watched.cpu, value, at)
        return
      case 'restarts':
        watched.restarts = value
        watched.restartsAt = at
        return
      case 'completeness':
        watched.completeness = value
        return
      default:
        explain(watched, meaning, value, at)
    }
  }

  /** All points of one time were taken. */
  ended(): Taken {
    const taken = { scored: this.#scored, reviewAt: this.#reviewAt }
    if (this.#cold > 0 || this.#scored.length > 0) this.cold = this.#cold
    this.#cold = 0
    this.#scored = []
    this.#reviewAt = undefined
    return taken
  }

  /** Undefined where there is no room for one more. */
  #watched({ entity, role }: Meaning): Watched | undefined {
    const known = this.#registry.find(entityId(entity))
    if (known !== undefined) return known
    if (this.#registry.size >= this.#maxEntities) this.#makeRoom()
    if (this.#registry.size >= this.#maxEntities) {
      if (role === 'p') this.#counts.overflowed(1)
      return undefined
    }
    return this.#registry.add(entity)
  }
}

function explain(watched: Watched, { role, named }: Meaning, value: number, at: number): void {
  let { explanation } = watched
  if (explanation === undefined || explanation.at < at)
    explanation = watched.explanation = newExplanation(at, explanation)
  if (role === 'onset') {
    explanation.onset = value
    return
  }
  if (role === 'uncertainty') {
    explanation.uncertainty = value
    return
  }
  const finding = named === undefined ? undefined : findingOf(explanation, named)
  if (finding === undefined || !Number.isFinite(value)) return
  if (role === 'observed') {
    finding.observed = value
    finding.unit = named?.unit ?? ''
  } else if (role === 'contribution') finding.contribution = value
  else if (role === 'lower') finding.lower = value
  else if (role === 'upper') finding.upper = value
  else if (role === 'samples') finding.samples = value
}
