/** What the processor counts, under upstream's names. */
import type { Context } from '../../pipeline/component.ts'
import type { Labels } from '../../pipeline/telemetry/meter.ts'
import type { Decision } from './policies/policy.ts'

const latencyBounds = [
  1, 2, 5, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000, 20_000, 30_000,
  50_000,
]
const ageBounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000]

const ofDecision: Readonly<Record<Decision, Labels>> = {
  sampled: { sampled: 'true', decision: 'sampled' },
  not_sampled: { sampled: 'false', decision: 'not_sampled' },
  dropped: { sampled: 'false', decision: 'dropped' },
}

export type Telemetry = ReturnType<typeof newTelemetry>

export function newTelemetry({ meter }: Context) {
  const name = (rest: string) => `otelcol_processor_tail_sampling_${rest}`
  const counter = (rest: string, help: string) => meter.counter(name(rest), help)
  const histogram = (rest: string, bounds: readonly number[], help: string) => meter.histogram(name(rest), bounds, help)
  const global = counter(
    'global_count_traces_sampled',
    'Global count of traces that were sampled or not by at least one policy',
  )
  const early = counter(
    'early_releases_from_cache_decision',
    'Number of spans that were able to be immediately released due to a decision cache hit.',
  )
  return {
    decided: (decision: Decision, traces: number) => global.add(traces, ofDecision[decision]),
    fromCache: (isSampled: boolean, spans: number) => early.add(spans, { sampled: String(isSampled) }),
    newTraces: counter('new_trace_id_received', 'Counts the arrival of new traces'),
    timerMs: histogram(
      'sampling_decision_timer_latency',
      latencyBounds,
      'Latency (in milliseconds) of each run of the sampling decision timer',
    ),
    lateSpanAge: histogram(
      'sampling_late_span_age',
      ageBounds,
      'Time (in seconds) from the sampling decision was taken and the arrival of a late span',
    ),
    removalAge: histogram(
      'sampling_trace_removal_age',
      ageBounds,
      'Time (in seconds) from arrival of a new trace until its removal from memory',
    ),
    droppedTooEarly: counter(
      'sampling_trace_dropped_too_early',
      'Count of traces that needed to be dropped before the configured wait time',
    ),
    droppedTooLarge: counter(
      'traces_dropped_too_large',
      'Count of traces that were dropped because they were too large',
    ),
    errors: counter('sampling_policy_evaluation_error', 'Count of sampling policy evaluation errors'),
    unparseable: counter(
      'count_spans_with_unparseable_tracestate',
      'Count of spans skipped while rewriting the effective `th` because their tracestate could not be parsed',
    ),
    recovered: counter(
      'incident_traces_recovered',
      'Count of traces from before an alarm that were taken out of the flight recorder',
    ),
    skippedAlarms: counter(
      'incident_alarms_skipped',
      'Count of alarms for which the flight recorder was not read, since too many waited or it failed',
    ),
    decidedEarly: counter(
      'traces_decided_early',
      'Count of traces that were decided before the configured wait time because max_bytes was reached',
    ),
    gauges: (tracesInMemory: () => number, heldBytes: () => number) => {
      meter.gauge(
        name('sampling_traces_on_memory'),
        tracesInMemory,
        {},
        'Tracks the number of traces current on memory',
      )
      meter.gauge(name('held_bytes'), heldBytes, {}, 'Memory of traces, which max_bytes limits')
    },
  }
}

/** What policies say, one policy at a time; added up over a round. */
export function newPolicyTelemetry({ meter }: Context, countsSpans: boolean, countsBytes: boolean) {
  const name = (rest: string) => `otelcol_processor_tail_sampling_${rest}`
  const traces = meter.counter(
    name('count_traces_sampled'),
    'Count of traces that were sampled or not per sampling policy',
  )
  const spans = countsSpans
    ? meter.counter(name('count_spans_sampled'), 'Count of spans that were sampled or not per sampling policy')
    : undefined
  const bytes = countsBytes
    ? meter.counter(name('count_bytes_sampled'), 'Count of bytes that were sampled or not per sampling policy')
    : undefined
  const micros = meter.counter(
    name('sampling_policy_execution_time_sum'),
    'Total time spent (in microseconds) executing a specific sampling policy',
  )
  const executions = meter.counter(
    name('sampling_policy_execution_count'),
    'Total number of executions of a specific sampling policy',
  )
  return {
    said: (policy: string, decision: Decision, of: { traces: number; spans: number; bytes: number }) => {
      const labels = { policy, ...ofDecision[decision] }
      traces.add(of.traces, labels)
      spans?.add(of.spans, labels)
      bytes?.add(of.bytes, labels)
    },
    ran: (policy: string, count: number, us: number) => {
      micros.add(us, { policy })
      executions.add(count, { policy })
    },
  }
}
