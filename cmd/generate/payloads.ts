/** OTLP requests with made-up, varied telemetry: the same seed and times give the same bytes. */
import { written } from '../../pipeline/data/writer.ts'
import { instant } from './fields.ts'
import { putLogs } from './logs.ts'
import { putMetrics, Totals } from './metrics.ts'
import { Random } from './random.ts'
import { processes } from './shop.ts'
import { putTraces } from './traces.ts'

export const generatedSignals = ['traces', 'metrics', 'logs'] as const
export type GeneratedSignal = (typeof generatedSignals)[number]

export interface PayloadSettings {
  readonly seed: number
  /** The one `service.name`; absent = the services of a small shop. */
  readonly service: string | undefined
  /** When cumulative metrics began. */
  readonly startedUnixMs: number
}
/** A request with exactly `items` spans, data points or log records, as of `unixMs`. */
export type NextPayload = (items: number, unixMs: number) => Uint8Array

export function newPayloads(signal: GeneratedSignal, settings: PayloadSettings): NextPayload {
  const random = new Random(settings.seed)
  const from = processes(random, settings.service)
  const started = instant(settings.startedUnixMs)
  const totals = new Totals()
  switch (signal) {
    case 'traces':
      return (items, unixMs) => written((to) => putTraces(to, random, from, items, instant(unixMs)))
    case 'logs':
      return (items, unixMs) => written((to) => putLogs(to, random, from, items, instant(unixMs)))
    case 'metrics':
      return (items, unixMs) =>
        written((to) => putMetrics(to, random, from, items, { started, now: instant(unixMs) }, totals))
  }
}
