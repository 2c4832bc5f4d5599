/** What our own alarms were worth: no threshold is chosen here, and a hit does not credit the rest of its span (no point adjustment). */
import { spansOf } from './ranking-metrics.ts'

export interface AlarmMetrics {
  readonly pointPrecision: number
  readonly pointRecall: number
  readonly pointF1: number
  /** A labelled span with an alarm in it is found. */
  readonly events: number
  readonly foundEvents: number
  /** Runs of alarm without a labelled row in them, and all runs. */
  readonly falseAlarms: number
  readonly alarms: number
  readonly eventF1: number
  /** From the first row of a found span to the first alarm in it, in rows. */
  readonly delays: readonly number[]
}

export function alarmMetrics(labels: Uint8Array, alarms: Uint8Array): AlarmMetrics {
  let [both, labelled, alarmed] = [0, 0, 0]
  for (let i = 0; i < labels.length; i++) {
    const [label, alarm] = [labels[i] as number, alarms[i] as number]
    both += label & alarm
    labelled += label
    alarmed += alarm
  }
  const delays: number[] = []
  const events = spansOf(labels)
  for (const { from, to } of events) {
    const first = alarms.indexOf(1, from)
    if (first >= 0 && first <= to) delays.push(first - from)
  }
  const runs = spansOf(alarms)
  let falseAlarms = 0
  for (const { from, to } of runs) {
    const first = labels.indexOf(1, from)
    if (first < 0 || first > to) falseAlarms++
  }
  const [pointPrecision, pointRecall] = [ratio(both, alarmed), ratio(both, labelled)]
  const eventPrecision = ratio(runs.length - falseAlarms, runs.length)
  return {
    pointPrecision,
    pointRecall,
    pointF1: f1(pointPrecision, pointRecall),
    events: events.length,
    foundEvents: delays.length,
    falseAlarms,
    alarms: runs.length,
    eventF1: f1(eventPrecision, ratio(delays.length, events.length)),
    delays,
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function f1(precision: number, recall: number): number {
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
}

/** NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
