/** The scores of the Numenta Anomaly Benchmark (Lavin & Ahmad 2015, as NAB 1.1 computes them), at alarms that were already decided. */
import type { Span } from './ranking-metrics.ts'

export interface NabProfile {
  readonly tpWeight: number
  readonly fpWeight: number
  readonly fnWeight: number
}

export const nabProfiles: { readonly standard: NabProfile; readonly low_fp: NabProfile; readonly low_fn: NabProfile } =
  {
    standard: { tpWeight: 1, fpWeight: 0.11, fnWeight: 1 },
    low_fp: { tpWeight: 1, fpWeight: 0.22, fnWeight: 1 },
    low_fn: { tpWeight: 1, fpWeight: 0.11, fnWeight: 2 },
  }

export interface NabFile {
  /** Windows in which a detection counts, in order, rows inclusive. */
  readonly windows: readonly Span[]
  readonly alarms: Uint8Array
}

export interface NabRaw {
  readonly score: number
  /** Of a detector that says nothing, and of one that alarms at the first row of each window and nowhere else. */
  readonly none: number
  readonly perfect: number
  readonly found: number
  readonly windows: number
  readonly falsePositives: number
}

/** Rows at the start of a file that are not scored. */
export function probation(rows: number): number {
  return Math.min(Math.floor(0.15 * rows), 750)
}

/** 2 / (1 + e^(5 position)) - 1: 0.987 at the left edge of a window (-1), 0 at its right edge, -1 from three widths after it. */
export function scaledSigmoid(position: number): number {
  return position >= 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1
}

/** The raw score of one file; NAB adds them up over all files, then `normalise`s. */
export function nabRaw({ windows, alarms }: NabFile, { tpWeight, fpWeight, fnWeight }: NabProfile): NabRaw {
  const start = probation(alarms.length)
  let [score, none, perfect, found, falsePositives, scored] = [0, 0, 0, 0, 0, 0]
  let last: Span | undefined
  let at = 0
  for (const window of [...windows, undefined]) {
    const outsideTo = window === undefined ? alarms.length : window.from
    for (let i = at; i < outsideTo; i++) {
      if (alarms[i] !== 1 || i < start) continue
      falsePositives++
      // NAB divides by width - 1, and by nothing before the first window.
      score += fpWeight * scaledSigmoid(last === undefined ? 3 : (i - last.to) / Math.max(1, last.to - last.from))
    }
    if (window === undefined) break
    at = window.to + 1
    last = window
    // NAB knows a window only by its rows after the probation.
    if (window.to < start) continue
    scored++
    none -= fnWeight
    perfect += tpWeight
    const first = alarms.indexOf(1, Math.max(window.from, start))
    if (first < 0 || first > window.to) score -= fnWeight
    else {
      found++
      const width = window.to - window.from + 1
      score += (tpWeight * scaledSigmoid(-(window.to - first + 1) / width)) / scaledSigmoid(-1)
    }
  }
  return { score, none, perfect, found, windows: scored, falsePositives }
}

/** 100 for the perfect detector, 0 for one that says nothing. */
export function normalise(raws: readonly NabRaw[]): number {
  const sum = (pick: (raw: NabRaw) => number) => raws.reduce((total, raw) => total + pick(raw), 0)
  const none = sum((raw) => raw.none)
  return (100 * (sum((raw) => raw.score) - none)) / (sum((raw) => raw.perfect) - none)
}
