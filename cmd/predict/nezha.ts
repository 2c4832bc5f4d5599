/**
 * Nezha: a minute of spans and logs around each alarm, a minute without a fault, and the pods' metrics. Cases come in order of time; the minutes of those before
 * are held beside the quiet one to learn what differs by itself, without what the nodes then blamed did in them.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RootCauseCase, Sighting } from '../../models/root-cause/evidence.ts'
import { patternEvidence, type Window } from '../../models/root-cause/log-patterns.ts'
import { rank } from '../../models/root-cause/rank.ts'
import { latencyEvidence } from '../../models/root-cause/trace-latency.ts'
import type { Spans } from '../../models/root-cause/trace-spans.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import type { Dataset } from './dataset.ts'
import { metricKind, metricSightings, type PodMetrics, readMetrics } from './nezha-metrics.ts'
import { type Minute, NezhaReader } from './nezha-traces.ts'
import { type RootCauseLine, rootCauseLine } from './root-cause.ts'

const layout = 'cases.json, fault/<case>.{trace,log}.csv.gz, normal/<day>/*_{trace,log}.csv.gz, metric/<day>/*.csv.gz'
/** Minutes of earlier cases that are held beside the quiet one. */
const mostWindows = 8
/** The quiet minute counts as much as so many of those. */
const quietWeight = 2
/** s that a fault was there before the minute that was kept, and after its start. */
const before = 60
const after = 120

export const nezha: Dataset = {
  kind: 'nezha',
  layout,
  async predict(dir, emit, progress) {
    const cases = await casesOf(dir)
    const days = new Days(dir)
    for (const [i, one] of cases.entries()) {
      progress(i, cases.length)
      const written = emit(await diagnose(one, dir, days))
      if (written !== undefined) await written
    }
    progress(cases.length, cases.length)
  },
}

interface NezhaCase {
  readonly name: string
  readonly day: string
  /** s; NaN where it is not said. */
  readonly alarm: number
}

async function casesOf(dir: string): Promise<readonly NezhaCase[]> {
  const file = join(dir, 'cases.json')
  let rows: unknown
  try {
    rows = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new Error(`cannot read ${file}: ${errorMessage(cause)}: ${dir} must hold ${layout}`, { cause })
  }
  if (!Array.isArray(rows)) throw new Error(`${file} is not a list of cases`)
  return rows.map((row: Partial<Record<'case' | 'day' | 'alarm_timestamp', unknown>>, i) => {
    if (typeof row.case !== 'string') throw new Error(`${file}: case ${i + 1} has no "case"`)
    return {
      name: row.case,
      day: typeof row.day === 'string' ? row.day : '',
      alarm: Number(row.alarm_timestamp ?? Number.NaN),
    }
  })
}

/** What cases of one day share. */
interface Day {
  readonly reader: NezhaReader
  /** Undefined where no quiet minute is there. */
  readonly quiet: Window | undefined
  readonly past: { readonly minute: Minute; readonly left: ReadonlySet<number> }[]
  readonly metrics: readonly PodMetrics[]
}

class Days {
  private readonly dir: string
  private readonly known = new Map<string, Day>()

  constructor(dir: string) {
    this.dir = dir
  }

  async of(day: string): Promise<Day> {
    const known = this.known.get(day)
    if (known !== undefined) return known
    const reader = new NezhaReader()
    const prefix = await this.quietPrefix(day)
    const minute = prefix === undefined ? undefined : await reader.minute(prefix)
    const quiet = minute && { spans: minute.spans, logs: minute.logs(), weight: quietWeight }
    const made: Day = { reader, quiet, past: [], metrics: await readMetrics(join(this.dir, 'metric', day)) }
    this.known.set(day, made)
    return made
  }

  /** Of the day itself, else of the next one that has a quiet minute, else of the last. */
  private async quietPrefix(day: string): Promise<string | undefined> {
    const days = (await readdir(join(this.dir, 'normal')).catch((): string[] => [])).toSorted(byName)
    const own = days.find((other) => other >= day) ?? days.at(-1)
    if (own === undefined) return undefined
    const file = (await readdir(join(this.dir, 'normal', own))).toSorted(byName).find((name) => name.endsWith(traceEnd))
    return file === undefined ? undefined : join(this.dir, 'normal', own, file.slice(0, -traceEnd.length))
  }
}

const byName = (a: string, b: string) => (a < b ? -1 : 1)
const traceEnd = 'trace.csv.gz'

async function diagnose({ name, day, alarm }: NezhaCase, dir: string, days: Days): Promise<RootCauseLine> {
  const { reader, quiet, past, metrics } = await days.of(day)
  const minute = await reader.minute(join(dir, 'fault', `${name}.`))
  for (const { pod } of metrics) reader.nodes.of(reader.entityOf(pod))
  const nodes = reader.nodes.all.length
  const began =
    minute === undefined || minute.spans.start.length === 0
      ? alarm
      : minute.spans.start.reduce((a, b) => Math.min(a, b))
  const sightings: Sighting[] = []
  if (minute !== undefined && quiet !== undefined) {
    const held = past.slice(-mostWindows).map(({ minute: { spans, logs }, left }) => ({ spans, logs: logs(), left }))
    const windows: readonly Window[] = [quiet, ...held]
    for (const { node, kind, surprise, direction, effect } of latencyEvidence(windows, minute.spans, nodes))
      sightings.push({ node, kind, surprise, direction, effect: Math.abs(effect), ...undated })
    for (const { node, kind, surprise, effect } of patternEvidence(windows, {
      spans: minute.spans,
      logs: minute.logs(),
    }))
      sightings.push({ node, kind, surprise, direction: 1, effect, ...undated })
  }
  sightings.push(
    ...metricSightings(metrics, (pod) => reader.nodes.of(reader.entityOf(pod)), began - before, began + after),
  )
  const ranking = rank(caseOf(minute?.spans, nodes, sightings, began))
  const first = ranking.causes[0]
  if (minute !== undefined) past.push({ minute, left: new Set(first === undefined ? [] : [first.node]) })
  return rootCauseLine(name, ranking, reader.nodes.all, (sighting) => metricKind(sightings[sighting]))
}

/** A pattern or a time of a whole minute has no date. */
const undated = { since: Number.NaN, sinceUncertainty: Number.NaN, reference: -1 } as const

function caseOf(spans: Spans | undefined, nodes: number, sightings: readonly Sighting[], onset: number): RootCauseCase {
  const calls = new Map<number, number>()
  const felt = new Set<number>()
  for (let i = 0; i < (spans?.node.length ?? 0); i++) {
    const [node, parent] = [spans!.node[i]!, spans!.parent[i]!]
    if (parent < 0) felt.add(node)
    else if (spans!.node[parent] !== node) {
      const edge = spans!.node[parent]! * nodes + node
      calls.set(edge, (calls.get(edge) ?? 0) + 1)
    }
  }
  return {
    nodes: Array.from({ length: nodes }, () => 'service' as const),
    source: Uint32Array.from(calls.keys(), (edge) => Math.floor(edge / nodes)),
    target: Uint32Array.from(calls.keys(), (edge) => edge % nodes),
    calls: Float64Array.from(calls.values()),
    partOf: new Int32Array(nodes).fill(-1),
    runsOn: new Int32Array(nodes).fill(-1),
    felt: [...felt],
    onset,
    sightings,
  }
}
