/** One diagnosis of one revision of an incident: looks at everything, ranks, and says what was found and what was not. */

import type { Ranking, RootCauseCase } from '../../models/root-cause/evidence.ts'
import { type PatternEvidence, patternEvidence, type Step } from '../../models/root-cause/log-patterns.ts'
import { rankInSteps } from '../../models/root-cause/rank.ts'
import { type LatencyEvidence, latencyEvidence } from '../../models/root-cause/trace-latency.ts'
import type { FeatureStore } from '../../pipeline/capability/feature-store.ts'
import type { FlightRecorder } from '../../pipeline/capability/flight-recorder.ts'
import type { Clock } from '../../pipeline/component.ts'
import type { Logs, Traces } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'
import { type ChangeSighting, changeSightings, changeText } from './change-sightings.ts'
import type { Config } from './config.ts'
import { type Observation, Observations } from './direct.ts'
import { Evidence } from './evidence.ts'
import { type FeatureSighting, featureSightings } from './feature-sightings.ts'
import { type RecordedSpans, recordedSpans, SpanNumbers } from './recorded-spans.ts'
import { type Surroundings, surroundingsOf, type Times } from './surroundings.ts'
import { ownErrors, recordedLines, TemplateNumbers } from './trace-sightings.ts'

export interface Sources {
  readonly store: FeatureStore
  readonly recorder: FlightRecorder | undefined
  readonly settings: Config
  readonly clock: Clock
}

/** What was found, before it is put into words. */
export interface Findings {
  readonly incident: Incident
  readonly times: Times
  readonly around: Surroundings
  readonly evidence: Evidence
  readonly ranking: Ranking
  readonly observations: readonly Observation[]
  readonly changes: readonly ChangeSighting[]
  readonly figures: readonly FeatureSighting[]
  /** Of the time since the onset; undefined without a recorder. */
  readonly recorded: RecordedSpans | undefined
  readonly missing: readonly string[]
  /** The text of a query as a span has it; empty where none was recorded. */
  readonly statement: (node: number) => string
}

const nano = 1_000_000_000n
/** The alarm may be a minute off, and a fault that is older than that is dated by its alarms. */
const leastOnsetUncertainty = 20
const mostOnsetUncertainty = 90
/** Windows of the length of the fault's that are compared with it. */
const mostNormalWindows = 4
const leastWindowSeconds = 30
const mostWindowSeconds = 300

export async function findingsOf(sources: Sources, incident: Incident, signal: AbortSignal): Promise<Findings> {
  const { store, recorder, settings, clock } = sources
  const times: Times = {
    onset: onsetOf(incident),
    until: maximum(BigInt(incident.observed_time), onsetOf(incident) + 30n * nano),
  }
  const missing: string[] = []
  const around = await surroundingsOf(store, incident, times, {
    baselineMs: settings.baseline,
    maxEntities: settings.max_entities,
  })
  signal.throwIfAborted()
  const evidence = new Evidence()
  const onsetUncertaintySeconds = leastOnsetUncertainty
  const figures = await featureSightings(
    store,
    around,
    times,
    { baselineSeconds: Math.round(settings.baseline / 1_000), onsetUncertaintySeconds },
    clock,
  )
  signal.throwIfAborted()
  addFigures(evidence, figures, times)
  if (figures.length === 0)
    missing.push('no figures of before and after the onset: Vigil has not watched for long enough')
  const changes = await changeSightings(store, around, times, {
    lookbackMs: settings.change_lookback,
    onsetUncertaintySeconds: mostOnsetUncertainty,
  })
  addChanges(evidence, changes, times)
  let recorded: RecordedSpans | undefined
  let observations: readonly Observation[] = []
  let statements: ReadonlyMap<number, string> = new Map()
  if (recorder === undefined) missing.push('traces and logs: no flight_recorder is configured')
  else {
    const read = await readRecorded(recorder, around, times, settings, clock, signal)
    recorded = read.fault
    observations = read.observations
    statements = read.statements
    missing.push(...read.missing)
    addRecorded(evidence, read, around, times)
  }
  signal.throwIfAborted()
  const ranking = await ranked(
    {
      nodes: around.kinds,
      source: Uint32Array.from(around.sources),
      target: Uint32Array.from(around.targets),
      calls: Float64Array.from(around.calls),
      partOf: Int32Array.from(around.partOf),
      runsOn: Int32Array.from(around.runsOn),
      felt: around.felt,
      onset: Number(times.onset) / 1e9,
      sightings: evidence.sightings,
    },
    clock,
  )
  signal.throwIfAborted()
  const statement = (node: number) => statements.get(node) ?? ''
  return { incident, times, around, evidence, ranking, observations, changes, figures, recorded, missing, statement }
}

async function ranked(given: RootCauseCase, clock: Clock): Promise<Ranking> {
  const slices = new Slices(clock)
  const steps = rankInSteps(given)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (slices.isOver) await slices.pause()
  }
}

/** The earliest onset of what is not explained by something else, which is the incident's. */
function onsetOf({ members, time }: Incident): bigint {
  const onsets = members.filter(({ role }) => role !== 'attached').map(({ since }) => BigInt(since))
  return onsets.toSorted((a, b) => Number(a - b))[0] ?? BigInt(time)
}

function maximum(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function addFigures(evidence: Evidence, figures: readonly FeatureSighting[], { onset, until }: Times): void {
  for (const { node, kind, surprise, direction, effect, since, sinceUncertainty, text, entity, column } of figures)
    evidence.add(
      { node, kind, surprise, direction, effect, since, sinceUncertainty },
      {
        modality: 'metric',
        text,
        reference: { kind: 'feature', entity, feature: column, from: String(onset), until: String(until) },
      },
    )
}

function addChanges(evidence: Evidence, changes: readonly ChangeSighting[], { onset }: Times): void {
  for (const one of changes) {
    if (one.surprise === 0) continue
    evidence.add(
      { node: one.node, kind: 'change', surprise: one.surprise, direction: 0, effect: 0 },
      {
        modality: 'change',
        text: changeText(one),
        reference: { kind: 'event', event_id: one.change.id, from: one.change.time, until: String(onset) },
      },
    )
  }
}

interface Recorded {
  readonly fault: RecordedSpans
  readonly latencies: readonly LatencyEvidence[]
  readonly patterns: readonly PatternEvidence[]
  readonly errors: ReturnType<typeof ownErrors>
  readonly observations: readonly Observation[]
  readonly statements: ReadonlyMap<number, string>
  readonly templates: readonly string[]
  readonly missing: readonly string[]
}

async function readRecorded(
  recorder: FlightRecorder,
  around: Surroundings,
  { onset, until }: Times,
  { recorded_baseline, max_recorded_bytes }: Config,
  clock: Clock,
  signal: AbortSignal,
): Promise<Recorded> {
  const missing: string[] = []
  const seconds = Math.min(mostWindowSeconds, Math.max(leastWindowSeconds, Number(until - onset) / 1e9))
  const length = BigInt(Math.round(seconds)) * nano
  const from = onset - BigInt(Math.round(recorded_baseline)) * 1_000_000n
  const range = { fromUnixNano: from, untilUnixNano: until, maxBytes: max_recorded_bytes }
  const [traces, logs]: [Traces, Logs] = await Promise.all([recorder.traces(range), recorder.logs(range)])
  signal.throwIfAborted()
  const observations = new Observations(around, { from, onset: onset - 20n * nano, until }, clock)
  await observations.readTraces(traces)
  await observations.readLogs(logs)
  signal.throwIfAborted()
  const numbers = new SpanNumbers(around)
  const templates = new TemplateNumbers()
  const window = async (first: bigint, last: bigint) => {
    const spans = await recordedSpans(traces, numbers, { from: first, until: last }, clock)
    const lines = await recordedLines(logs, spans, around, templates, { from: first, until: last }, clock)
    signal.throwIfAborted()
    return { recorded: spans, spans: homed(spans, around.ids.length), logs: lines }
  }
  const normal: Awaited<ReturnType<typeof window>>[] = []
  for (let last = onset - 10n * nano; normal.length < mostNormalWindows && last - length >= from; last -= length)
    normal.push(await window(last - length, last))
  const fault = await window(until - length, until)
  const before = normal.filter(({ spans }) => spans.node.length > 0)
  if (fault.spans.node.length === 0) missing.push('traces since the onset')
  if (before.length === 0) missing.push('traces from before the onset: the recorder no longer has them')
  if (fault.spans.node.length === 0 || before.length === 0)
    return {
      fault: fault.recorded,
      latencies: [],
      patterns: [],
      errors: [],
      observations: observations.found(),
      statements: numbers.statements,
      templates: templates.texts,
      missing,
    }
  const nodes = around.ids.length + 1
  return {
    fault: fault.recorded,
    latencies: latencyEvidence(before, fault.spans, nodes),
    patterns: patternEvidence(before, fault),
    errors: ownErrors(before[0]!.recorded, fault.recorded, around.ids.length),
    observations: observations.found(),
    statements: numbers.statements,
    templates: templates.texts,
    missing,
  }
}

/** Spans of nobody that is known stand at a node of their own, beyond all others. */
function homed({ spans }: RecordedSpans, nodes: number): RecordedSpans['spans'] {
  return { ...spans, node: spans.node.map((node) => (node < 0 ? nodes : node)) }
}

function addRecorded(evidence: Evidence, read: Recorded, around: Surroundings, { onset, until }: Times): void {
  const nodes = around.ids.length
  const example = exampleTraces(read.fault, nodes)
  const period = { from: String(onset), until: String(until) }
  const trace = (node: number) => {
    const row = example[node] ?? -1
    return row < 0
      ? { kind: 'trace' as const, ...period }
      : { kind: 'trace' as const, trace_id: read.fault.traceIds[row]!, span_id: read.fault.spanIds[row]!, ...period }
  }
  for (const { node, kind, surprise, direction, effect } of read.latencies) {
    if (node >= nodes) continue
    const times = Math.exp(Math.abs(effect))
    const what = kind === 'self_time' ? 'own time of its spans' : 'time between its callers and it'
    const factor =
      times < 1.05
        ? 'as before'
        : `${times.toFixed(times < 10 ? 1 : 0)} times ${direction < 0 ? 'shorter' : 'longer'} than before`
    evidence.add(
      { node, kind, surprise: direction < 0 ? 0 : surprise, direction, effect: Math.abs(effect) },
      { modality: 'trace', text: `${what} ${factor}`, reference: trace(node) },
    )
  }
  for (const { node, surprise, effect, before, after, traceId, spanId } of read.errors)
    evidence.add(
      { node, kind: 'own_errors', surprise, direction: surprise > 0 ? 1 : 0, effect },
      {
        modality: 'trace',
        text: `errors of its own in ${percent(after)} of its traces, before ${percent(before)}`,
        reference: {
          kind: 'trace',
          ...(traceId === '' ? {} : { trace_id: traceId, span_id: spanId }),
          ...period,
        },
      },
    )
  for (const { node, kind, surprise, effect, pattern } of read.patterns) {
    if (node >= nodes) continue
    evidence.add(
      { node, kind, surprise, direction: kind === 'new_logs' ? 1 : -1, effect: Math.abs(effect) },
      {
        modality: 'log',
        text:
          kind === 'log_support'
            ? `after ${stepText(pattern.from, read)} no longer comes ${stepText(pattern.to, read)}`
            : `new: after ${stepText(pattern.from, read)} comes ${stepText(pattern.to, read)}`,
        reference: trace(node),
      },
    )
  }
}

function stepText({ kind, index }: Step, { templates, fault }: Recorded): string {
  if (kind === 'start' || kind === 'end') return kind === 'start' ? 'the beginning' : 'the end'
  if (kind === 'log') return `the line "${(templates[index] ?? '').slice(0, 120)}"`
  return `the call ${fault.operations[index]?.name ?? ''}`
}

/** A row of the longest span of each node: the trace to look at. */
function exampleTraces({ spans, service }: RecordedSpans, nodes: number): Int32Array {
  const rows = new Int32Array(nodes).fill(-1)
  const duration = (row: number) => spans.end[row]! - spans.start[row]!
  for (let row = 0; row < service.length; row++) {
    for (const node of [spans.node[row]!, service[row]!]) {
      if (node < 0 || node >= nodes) continue
      const known = rows[node]!
      if (known < 0 || duration(row) > duration(known)) rows[node] = row
    }
  }
  return rows
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`
}
