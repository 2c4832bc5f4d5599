/** What is counted: resources, and in each the templates of its records, in panes of event time. */

import type { CountBaseline } from '../../models/count-surprise.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'

/** Event time is counted in panes of ten seconds, numbered from 1970. */
export const paneSeconds = 10

/** By the range of the severity number. */
export const severities = ['UNSPECIFIED', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const

export function severityClass(severityNumber: number): number {
  return severityNumber < 1 ? 0 : Math.min(6, 1 + ((severityNumber - 1) >> 2))
}

/** Counts not yet sent, by pane. There are one or two most of the time. */
export interface Pending {
  readonly panes: number[]
  readonly counts: number[]
}

/** True where the pane is one more. */
export function addTo({ panes, counts }: Pending, pane: number, count: number): boolean {
  for (let i = panes.length - 1; i >= 0; i--) {
    if (panes[i] !== pane) continue
    counts[i]! += count
    return false
  }
  panes.push(pane)
  counts.push(count)
  return true
}

/** A pane in which a template came as often as it should not. */
export interface Burst {
  readonly pane: number
  readonly surprise: number
  readonly expected: number
}

/** A template with a severity in a resource. */
export interface TemplateSeries {
  readonly id: string
  readonly severity: number
  /** As it was when it came first. */
  readonly template: string
  readonly pending: Pending
  /** The pane in which it came first, until that is sent; -1 otherwise. */
  newIn: number
  readonly bursts: Burst[]
  /** The latest pane it came in, and how often it did: what the baseline has not learned yet. */
  pane: number
  count: number
  readonly baseline: CountBaseline
  /** It waits to be sent. */
  isDirty: boolean
}

export interface ResourceSeries {
  readonly key: string
  readonly origin: Origin
  readonly attributes: Readonly<Record<string, string>>
  /** True for the one that stands for all for which there was no room. */
  readonly isOverflow: boolean
  firstPane: number
  lastPane: number
  /** By severity class. */
  readonly bySeverity: (Pending | undefined)[]
  /** By id and severity. */
  readonly templates: Map<string, TemplateSeries>
  /** By severity class: records of templates for which there was no room. */
  readonly overflow: (Pending | undefined)[]
  readonly dirty: TemplateSeries[]
  isDirty: boolean
}
