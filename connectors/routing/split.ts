/** Parts a batch into what a rule takes and what it leaves. */
import type {
  Batches,
  In,
  LogRecord,
  Logs,
  Metrics,
  Resource,
  Span,
  Telemetry,
  Traces,
} from '../../pipeline/data/telemetry.ts'
import { Frame, type Host } from '../../pipeline/ottl/frame.ts'
import type { Level } from './compile.ts'
import { splitMetrics } from './split-metrics.ts'

export type Routed = 'traces' | 'metrics' | 'logs'

export interface Halves<B> {
  readonly taken: B | undefined
  readonly left: B | undefined
}

export type Test = (frame: Frame) => boolean

export function split<S extends Routed>(batch: Batches[S], level: Level, test: Test, host: Host): Halves<Batches[S]>
export function split(batch: Batches[Routed], level: Level, test: Test, host: Host): Halves<Batches[Routed]> {
  const frame = new Frame(host)
  frame.origin = batch.origin
  if (level === 'batch') return test(frame) ? { taken: batch, left: undefined } : { taken: undefined, left: batch }
  switch (batch.signal) {
    case 'traces':
      if (level === 'resource') return byResource<Traces, Span>(batch, frame, test)
      return level === 'span' ? byItem<Traces, Span>(batch, (span) => test(frame.enterSpan(span))) : none(batch)
    case 'logs':
      if (level === 'resource') return byResource<Logs, LogRecord>(batch, frame, test)
      return level === 'log' ? byItem<Logs, LogRecord>(batch, (record) => test(frame.enterLog(record))) : none(batch)
    case 'metrics':
      return level === 'resource' || level === 'metric' || level === 'datapoint'
        ? splitMetrics(batch, level, frame, test)
        : none<Metrics>(batch)
  }
}

/** A rule about what this signal does not have takes nothing of it. */
function none<B>(batch: B): Halves<B> {
  return { taken: undefined, left: batch }
}

function byResource<B extends Telemetry<B, I, never, unknown>, I>(batch: B, frame: Frame, test: Test): Halves<B> {
  let last: Resource | undefined
  let isTaken = false
  return byItem<B, I>(batch, ({ resource }) => {
    if (resource !== last) {
      last = resource
      isTaken = test(frame.enterResource(resource))
    }
    return isTaken
  })
}

function byItem<B extends Telemetry<B, I, never, unknown>, I>(batch: B, isTaken: (item: I & In) => boolean): Halves<B> {
  // Without items there is nothing to ask about.
  if (batch.count === 0) return { taken: undefined, left: batch }
  const halves = batch.groupBy((item) => (isTaken(item) ? 'taken' : 'left'))
  return { taken: halves.get('taken'), left: halves.get('left') }
}
