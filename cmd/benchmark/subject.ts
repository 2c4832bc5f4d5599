/** What is measured: something that watches what comes out of the pipeline, raises alerts, and says what it suspects. */

import type { Verdict } from '../../pipeline/vocabulary/diagnosis.ts'
import type { VigilSays } from './vigil-events.ts'

/** What is known of an entity in a window, in this order. NaN = nothing was seen of it. */
export const features = ['rate', 'errors', 'p50', 'p99', 'cpu', 'memory', 'pool', 'lag', 'logs'] as const
export type Feature = (typeof features)[number]
export const width = features.length

/** Telemetry of some seconds, by when it came out of the pipeline. */
export interface Window {
  /** Milliseconds of the world. */
  readonly startMs: number
  readonly endMs: number
  /** Services, and nodes. An entity keeps its place from window to window; new ones come at the end. */
  readonly entities: readonly string[]
  /**
   * `entities.length` rows of `width`: requests a second; share of them that failed; seconds; share of the limit of the fullest instance (of a node: of
   * its cores) twice; those who wait for a connection, or a database's open ones; messages; lines of WARN and above a second.
   */
  readonly values: Float64Array
  /** Log records with an event name or a reason that came in it. */
  readonly events: readonly Event[]
  /** Before this moment nobody is judged. */
  readonly isWarmUp: boolean
}

export interface Event extends VigilSays {
  /** When it came out of the pipeline. */
  readonly atMs: number
  /** `event.name`, or the reason of an event of Kubernetes. */
  readonly name: string
  /** The service or deployment that it is about; empty where it does not say. */
  readonly entity: string
  readonly body: string
  readonly attributes: ReadonlyMap<string, unknown>
}

export interface Alert {
  readonly atMs: number
  readonly entity: string
  readonly feature: Feature
  /** How far from ordinary; comparable within one subject. */
  readonly score: number
  /** Kept from people because something else explains it. */
  readonly isSuppressed?: boolean
  /** Whether it wakes somebody. Whoever knows no severities leaves it out, and wakes somebody with everything. */
  readonly isPage?: boolean
  /** Of whoever groups alerts itself: its incident, and what is the same when the same is told again. By time where it is left out. */
  readonly told?: { readonly incident: string; readonly key: string }
}

/** Of the value at that place of the window's values, at its end. */
export function alertAt({ entities, endMs }: Window, place: number, score: number): Alert {
  return { atMs: endMs, entity: entities[Math.floor(place / width)]!, feature: features[place % width]!, score }
}

/** Alerts that reach people as one. */
export interface Incident {
  /** Of whoever groups alerts itself. */
  readonly id?: string
  readonly openMs: number
  readonly alerts: readonly Alert[]
}

/** What one may look at to explain an incident. */
export interface Known {
  readonly entities: readonly string[]
  /** All that came so far. */
  readonly events: readonly Event[]
  /** Uniform in [0, 1), of a stream of its own. */
  readonly random: () => number
}

export interface Detector {
  observe(window: Window): readonly Alert[]
}

/** Suspects, the likeliest first; none = no idea. Gets the alerts of the incident's first minutes. */
export type Ranking = (incident: Incident, known: Known) => readonly string[]

export interface Subject {
  readonly name: string
  /** Detectors with one name are one: subjects that differ in their ranking share it. */
  readonly detector: string
  readonly detect: (random: () => number) => Detector
  readonly rank: Ranking
  readonly own?: Own
}

/** Of a subject that opens incidents and explains them itself. */
export interface Own {
  /** What it said by so many ms after the opening counts. */
  readonly withinMs: number
  /** How sure it said to be; undefined = it said nothing. */
  readonly verdict: (incident: Incident, known: Known) => Verdict | undefined
}
