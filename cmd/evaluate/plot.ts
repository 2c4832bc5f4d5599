/** What a page shows beside its tables, as numbers; `svg.ts` draws it. */
import type { Span } from './ranking-metrics.ts'

/** Scores of a case in time, with what is labelled and what was alarmed. */
export interface Timeline {
  readonly kind: 'timeline'
  readonly title: string
  readonly rows: number
  /** Highest score of each of equally many rows. */
  readonly scores: Float64Array
  /** Rows at which an alarm was raised. */
  readonly alarms: readonly number[]
  readonly labelled: readonly Span[]
  /** The lowest score at which an alarm was raised; undefined where none was. */
  readonly threshold: number | undefined
  /** What the first and the last row are called. */
  readonly from: string
  readonly to: string
}

/** Precision over recall. */
export interface Curves {
  readonly kind: 'curves'
  readonly title: string
  readonly curves: readonly {
    readonly name: string
    /** At recalls that are evenly spaced from 0 to 1. */
    readonly precision: Float64Array
    /** At the alarms that were really raised. */
    readonly point?: { readonly recall: number; readonly precision: number }
  }[]
}

/** A bar for each name; several, one under the other, where there are several series. */
export interface Bars {
  readonly kind: 'bars'
  readonly title: string
  readonly names: readonly string[]
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
  /** A line that should not be crossed, and what it is. */
  readonly limit?: { readonly at: number; readonly name: string }
}

export type Plot = Timeline | Curves | Bars

const mostBins = 800
const recallSteps = 100

export function timeline(
  title: string,
  { scores, alarms }: { readonly scores: Float64Array; readonly alarms: Uint8Array },
  labelled: readonly Span[],
  [from, to]: readonly [string, string],
): Timeline {
  const rows = scores.length
  const bins = Math.min(mostBins, rows)
  const highest = new Float64Array(bins)
  const raised: number[] = []
  let threshold: number | undefined
  for (let row = 0; row < rows; row++) {
    const bin = Math.floor((row * bins) / rows)
    const score = scores[row] as number
    highest[bin] = Math.max(highest[bin] as number, score)
    if (alarms[row] !== 1) continue
    threshold = Math.min(threshold ?? 1, score)
    // An alarm is the row at which it is raised, not each row that it lasts.
    if (alarms[row - 1] !== 1) raised.push(row)
  }
  return { kind: 'timeline', title, rows, scores: highest, alarms: raised, labelled, threshold, from, to }
}

/**
 * Precision at evenly spaced recalls: of the highest threshold that reaches the recall, ties taken together, as `averagePrecision` steps. NaN where no row is
 * labelled. O(n log n).
 */
export function precisionByRecall(labels: Uint8Array, scores: Float64Array): Float64Array {
  const order = new Uint32Array(scores.length)
    .map((_, i) => i)
    .sort((a, b) => (scores[b] as number) - (scores[a] as number))
  const positives = labels.reduce((sum, label) => sum + label, 0)
  const curve = new Float64Array(recallSteps + 1).fill(positives === 0 ? Number.NaN : 0)
  if (positives === 0) return curve
  let hits = 0
  let next = 0
  for (let i = 0; i < order.length && next <= recallSteps; i++) {
    hits += labels[order[i] as number] as number
    if (i + 1 < order.length && scores[order[i] as number] === scores[order[i + 1] as number]) continue
    while (next <= recallSteps && hits >= (next * positives) / recallSteps && hits > 0) curve[next++] = hits / (i + 1)
  }
  return curve
}

/** Point by point over the curves that are defined; NaN where none is. */
export function meanCurve(curves: readonly Float64Array[]): Float64Array {
  const defined = curves.filter((curve) => !Number.isNaN(curve[0]))
  return new Float64Array(recallSteps + 1).map(
    (_, i) => defined.reduce((sum, curve) => sum + (curve[i] as number), 0) / defined.length,
  )
}
