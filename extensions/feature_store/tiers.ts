/**
 * Three steps of time. A rollup needs no average: the window of a minute that ends with the minute is the minute's value, so each step keeps the
 * windows that are at least as long as it, as they were at its end.
 */
import type { WindowName } from '../../pipeline/vocabulary/features.ts'

export const paneSeconds = 10
export const tierCount = 3
/** Rows of the first tier in a row of each. */
export const panesPerRow = [1, 6, 30] as const
export const stepSeconds = [10, 60, 300] as const
/** 10 minutes, an hour, 5 hours. */
export const blockRows = 60
/** A row may come so much later than the newest of its entity. */
export const lateSeconds = 300

/** Which of its values a rollup row keeps; `last` is the one nearest to its end. */
export type Fold = 'last' | 'sum' | 'min' | 'max'

/** By window: in which tiers it is kept. */
export const tiersOfWindow: Readonly<Record<WindowName, readonly boolean[]>> = {
  '1m': [true, true, false],
  '5m': [false, true, true],
  '15m': [false, true, true],
  '1h': [false, false, true],
}
export const allTiers: readonly boolean[] = [true, true, true]

export function tierOfStep(step: number): number {
  return stepSeconds.indexOf(step as 10)
}

/** The row of a tier whose window ends at this time, or next after it. */
export function rowOf(seconds: number, tier: number): number {
  // What is a millisecond over belongs to it: times in nanoseconds lose some in a double.
  return Math.ceil(seconds / stepSeconds[tier]! - 0.000_1)
}

export function blockOf(row: number): number {
  return Math.floor(row / blockRows)
}
