/** What is kept of an entity: rings of panes, one number a pane. */
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'

export const paneMs = paneSeconds * 1_000
/** The longest window, in panes. */
export const keptPanes = 360
/** How far behind the newest pane that was emitted a correction may reach, in panes: the most that `lateness` can be. */
export const correctedPanes = 12
/** How far data may be ahead of the newest pane that was emitted. */
export const aheadPanes = 24
/** Slots of a ring; pane p stands in slot p modulo this. */
export const ringPanes = keptPanes + correctedPanes + aheadPanes

/** By name, in panes; the order is that of the vocabulary. */
export const windowPanes = [6, 30, 90, 360] as const
export const windowCount = windowPanes.length

/** Numbers that add up: 0 in a pane is nothing. */
const counts = [
  'requests',
  'errors',
  'sampled',
  'logRecords',
  'logErrors',
  'newTemplates',
  'restarts',
  /** The highest of a pane. */
  'burst',
  'httpRequests',
  'httpErrors',
] as const
/** Two rings each: the sum of a pane's readings, and how many there were. A counter gives a reading of its rate each time it is scraped. */
const readings = [
  'cpuShare',
  'cpuCores',
  'cpuLimit',
  'memoryShare',
  'memoryUsed',
  'memoryLimit',
  'poolUsed',
  'poolLimit',
  'poolWaiting',
  'queueLag',
  'cpuSeconds',
  'cpuAllSeconds',
  'diskBytes',
  'networkBytes',
  'cacheHits',
  'cacheMisses',
] as const

export type CountColumn = (typeof counts)[number]
export type ReadingColumn = (typeof readings)[number]
export type Column = CountColumn | ReadingColumn

const names: readonly Column[] = [...counts, ...readings]
/** Where a column's ring stands; of two rings the first, and the other behind it. */
export const ringOf = Object.fromEntries(
  names.map((name, i) => [name, i < counts.length ? i : counts.length + (i - counts.length) * 2]),
) as Readonly<Record<Column, number>>

export function isCount(column: Column): column is CountColumn {
  return ringOf[column] < counts.length
}

/** Quantiles of latencies, see `sketch.ts`. */
export const sketches = { duration: 0, selfTime: 1, networkGap: 2, httpDuration: 3 } as const
export type SketchName = keyof typeof sketches

/** What an entity was heard of by, as bits. */
export const signalBits = { traces: 1, metrics: 2, logs: 4 } as const
export type HeardSignal = keyof typeof signalBits
export const heardSignals = ['traces', 'metrics', 'logs'] as const

/** The pane that a moment belongs to: (end - 10 s, end], named by its end divided by ten seconds. */
export function paneAt(ms: number): number {
  return Math.ceil(ms / paneMs)
}

export function slotOf(pane: number): number {
  return ((pane % ringPanes) + ringPanes) % ringPanes
}
