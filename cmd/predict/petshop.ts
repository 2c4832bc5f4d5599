/** PetShop: five rows of five minutes about an alarm, the call graph, and where there is one a fault-free recording of the same scenario. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { together } from '../../models/root-cause/correlation.ts'
import type { RootCauseCase, Sighting, SightingKind } from '../../models/root-cause/evidence.ts'
import { accountedShare, excess } from '../../models/root-cause/impact.ts'
import { metricChange } from '../../models/root-cause/metric-change.ts'
import { rank } from '../../models/root-cause/rank.ts'
import { ratioChange } from '../../models/root-cause/ratio-change.ts'
import type { Dataset } from './dataset.ts'
import { parseCsv, readCsv } from './read-csv.ts'
import { orderByContent, type RootCauseLine, rootCauseLine } from './root-cause.ts'

const layout =
  '<scenario>/graph.csv, <scenario>/<part>/issue_N/{metrics.csv,target.json}, <scenario>/noissue/metrics.csv where there is one'

export const petshop: Dataset = {
  kind: 'petshop',
  layout,
  async predict(dir, emit, progress) {
    const scenarios = await readScenarios(dir)
    const issues = scenarios.flatMap((scenario) => scenario.issues.map((name) => ({ name, scenario })))
    for (const [i, { name, scenario }] of issues.entries()) {
      progress(i, issues.length)
      await emit(diagnose(await readIssue(dir, name, scenario)))
    }
    progress(issues.length, issues.length)
  },
}

export interface Scenario {
  readonly name: string
  /** Paths below DIR. */
  readonly issues: readonly string[]
  readonly edges: readonly (readonly [caller: string, callee: string])[]
  readonly nodes: readonly string[]
  /** Of the scenario itself, or of the one that measures the same things. */
  readonly quiet: Recording | undefined
}

export interface Recording {
  /** s, of the rows. */
  readonly times: Float64Array
  readonly columns: readonly Column[]
}

interface Column {
  readonly node: string
  readonly metric: string
  readonly statistic: string
  readonly values: Float64Array
}

const keyOf = ({ node, metric, statistic }: Column) => `${node}\n${metric}\n${statistic}`

/** In the order of their names. Throws an `Error` where there is none. */
export async function readScenarios(dir: string): Promise<readonly Scenario[]> {
  const files = (await readdir(dir, { recursive: true })).map((file) => file.replaceAll('\\', '/')).sort()
  const names = files.filter((file) => /^[^/]+\/graph\.csv$/.test(file)).map((file) => file.split('/')[0]!)
  const issues = files
    .filter((file) => file.endsWith('/target.json'))
    .map((file) => file.slice(0, -'/target.json'.length))
  if (names.length === 0 || issues.length === 0)
    throw new Error(`${dir} has no ${layout}: name the folder in which the scenarios stand`)
  const homeless = issues.find((issue) => !names.includes(issue.split('/')[0]!))
  if (homeless !== undefined) throw new Error(`${join(dir, homeless)} has no graph.csv two folders above it`)
  const quiets = new Map<string, Recording>()
  for (const name of names) {
    const file = join(dir, name, 'noissue', 'metrics.csv')
    if (existsSync(file)) quiets.set(name, await readRecording(file))
  }
  const scenarios: Scenario[] = []
  for (const name of names) {
    const own = issues.filter((issue) => issue.startsWith(`${name}/`))
    const first = own[0]
    const quiet =
      quiets.get(name) ?? (first === undefined ? undefined : await likest(join(dir, first, 'metrics.csv'), quiets))
    scenarios.push({ name, issues: own, quiet, ...(await readGraph(join(dir, name, 'graph.csv'))) })
  }
  return scenarios
}

/** The recording that measures most of the same things, if it measures half of them: the system is the same one at another load. */
async function likest(file: string, quiets: ReadonlyMap<string, Recording>): Promise<Recording | undefined> {
  const { columns } = await readRecording(file)
  const keys = new Set(columns.map(keyOf))
  let best: { recording: Recording; shared: number } | undefined
  for (const recording of quiets.values()) {
    const shared = recording.columns.filter((column) => keys.has(keyOf(column))).length
    if (shared * 2 >= keys.size && shared > (best?.shared ?? 0)) best = { recording, shared }
  }
  return best?.recording
}

/** Throws an `Error` that names file and what is wrong. */
async function readGraph(file: string): Promise<Pick<Scenario, 'edges' | 'nodes'>> {
  const { header, rows } = await readCsv(file)
  const nodes = header.slice(1)
  const edges: (readonly [string, string])[] = []
  for (const [name, ...cells] of rows) {
    for (const [j, cell] of cells.entries()) {
      const value = Number(cell)
      if (Number.isNaN(value)) throw new Error(`${file}: "${cell}" in the row of ${name} is not a number`)
      if (value !== 0) edges.push([name!, nodes[j]!])
    }
  }
  return { edges, nodes: [...new Set([...nodes, ...rows.map(([name]) => name!)])] }
}

/** Three rows of header: microservice, metric, statistic; a row that names the time; then the rows. */
async function readRecording(file: string): Promise<Recording> {
  const { header, rows } = parseCsv(await readFile(file, 'utf8'), file)
  const [metrics, statistics] = rows
  if (header[0] !== 'microservice' || metrics?.[0] !== 'metric' || statistics?.[0] !== 'statistic')
    throw new Error(`${file} begins with the rows microservice, metric and statistic`)
  const body = rows.slice(2).filter(([time]) => time !== 'unix_timestamp')
  const numberOf = (cell: string, row: number) => {
    const value = cell === '' ? Number.NaN : Number(cell)
    if (Number.isNaN(value) && cell !== '' && cell.toLowerCase() !== 'nan')
      throw new Error(`${file}: row ${row + 1}: "${cell.slice(0, 40)}" is not a number`)
    return value
  }
  const order = body.map((_, i) => i).sort((a, b) => Number(body[a]![0]) - Number(body[b]![0]))
  return {
    times: Float64Array.from(order, (i) => numberOf(body[i]![0]!, i)),
    columns: header.slice(1).map((node, j) => ({
      node,
      metric: metrics[j + 1]!,
      statistic: statistics[j + 1]!,
      values: Float64Array.from(order, (i) => numberOf(body[i]![j + 1]!, i)),
    })),
  }
}

export interface Issue extends Recording {
  readonly name: string
  readonly scenario: Scenario
  readonly target: {
    readonly node: string
    readonly metric: string
    readonly statistic: string
    readonly onset: number
  }
}

export async function readIssue(dir: string, name: string, scenario: Scenario): Promise<Issue> {
  const file = join(dir, name, 'target.json')
  const parsed = JSON.parse(await readFile(file, 'utf8')) as { target?: Record<string, unknown> }
  const { node, metric, agg, timestamp } = parsed.target ?? {}
  if (typeof node !== 'string' || typeof metric !== 'string' || typeof timestamp !== 'number')
    throw new Error(`${file} states no target: {"target":{"node","metric","agg","timestamp"}}`)
  const recording = await readRecording(join(dir, name, 'metrics.csv'))
  const target = { node, metric, statistic: typeof agg === 'string' ? agg : '', onset: timestamp }
  return { name, scenario, target, ...recording }
}

/** s, where a recording has one row only. */
const usualStep = 300

const kinds: Readonly<Record<string, SightingKind>> = {
  latency: 'latency',
  availability: 'errors',
  requests: 'requests',
}

/** In a unit in which more is worse: seconds, the share that fails, requests. */
function figureOf({ metric, values }: Column): Float64Array {
  return metric === 'availability' ? values.map((percent) => 1 - percent / 100) : values
}

/** The smallest change that means anything: a few failures of a thousand and one of few; a request or two more than chance gives. */
function floorOf({ metric }: Column, samples: number): number {
  if (metric === 'availability') return Math.max(0.0025, 1 / Math.max(1, samples))
  return metric === 'requests' ? Math.sqrt(1 + samples) : 1e-3
}

function meanOf(values: Float64Array): number {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length)
}

/** The case as `rank` takes it, with what its nodes and the references of its sightings are called. */
function petshopCase(issue: Issue) {
  const { scenario, target, times, columns } = issue
  const found = [...new Set([...scenario.nodes, ...columns.map(({ node }) => node)])]
  const contents = found.map((node) =>
    columns.filter((column) => column.node === node).flatMap(({ values }) => [...values]),
  )
  const entities = orderByContent(contents).map((i) => found[i]!)
  const indexOf = new Map(entities.map((name, i) => [name, i]))
  const quiet = new Map(scenario.quiet?.columns.map((column) => [keyOf(column), figureOf(column)]))
  const step = times.length > 1 ? ((times.at(-1) as number) - (times[0] as number)) / (times.length - 1) : usualStep
  const felt = columns.find(
    ({ node, metric, statistic }) => node === target.node && metric === target.metric && statistic === target.statistic,
  )
  const feltFigure = felt === undefined ? undefined : figureOf(felt)
  const requests = new Map(
    columns.filter(({ metric }) => metric === 'requests').map(({ node, values }) => [node, values]),
  )
  const quietRequests = new Map(
    scenario.quiet?.columns.filter(({ metric }) => metric === 'requests').map(({ node, values }) => [node, values]),
  )
  const excesses = new Float64Array(entities.length).fill(Number.NaN)
  const sightings: Sighting[] = []
  for (const [reference, column] of columns.entries()) {
    const values = figureOf(column)
    const other = quiet.get(keyOf(column))
    const kind = kinds[column.metric] ?? 'other'
    const node = indexOf.get(column.node)!
    const series = { times, values, step, ...(other === undefined ? {} : { reference: other }) }
    const count = requests.get(column.node)
    const samples = count === undefined ? Number.POSITIVE_INFINITY : meanOf(count)
    const quietCount = quietRequests.get(column.node)
    const change =
      kind === 'errors' && count !== undefined
        ? ratioChange(
            {
              times,
              step,
              ratios: values,
              counts: count,
              ...(other === undefined || quietCount === undefined
                ? {}
                : { reference: { ratios: other, counts: quietCount } }),
            },
            target.onset,
          )
        : metricChange(series, target.onset, {
            floor: floorOf(column, samples),
            samples: kind === 'latency' ? Math.max(1, samples) : Number.POSITIVE_INFINITY,
          })
    if (column.metric === target.metric && column.statistic === target.statistic && count !== undefined) {
      const from = times.findIndex((time) => time + step > target.onset)
      // Without a value before nothing is known to be beyond the usual.
      excesses[node] = change === undefined ? 0 : excess({ values, requests: count }, change.before, from)
    }
    if (change !== undefined) sightings.push({ node, kind, reference, ...change })
    if (feltFigure === undefined || change === undefined || change.surprise < 3 || kind === 'requests') continue
    if (column.node === target.node) continue
    const moves = together(values, feltFigure)
    if (moves === undefined) continue
    sightings.push({ node, kind: 'together', reference, ...moves, since: Number.NaN, sinceUncertainty: Number.NaN })
  }
  const given: RootCauseCase = {
    nodes: entities.map(() => 'service'),
    source: Uint32Array.from(scenario.edges, ([caller]) => indexOf.get(caller)!),
    target: Uint32Array.from(scenario.edges, ([, callee]) => indexOf.get(callee)!),
    calls: new Float64Array(scenario.edges.length).fill(Number.NaN),
    partOf: new Int32Array(entities.length).fill(-1),
    runsOn: new Int32Array(entities.length).fill(-1),
    felt: indexOf.has(target.node) ? [indexOf.get(target.node)!] : [],
    onset: target.onset,
    accountsFor: excesses.map((own) => accountedShare(own, excesses[indexOf.get(target.node) ?? -1] ?? Number.NaN)),
    sightings,
  }
  return { given, entities }
}

export function diagnose(issue: Issue): RootCauseLine {
  const { given, entities } = petshopCase(issue)
  const metricOf = (sighting: number) => issue.columns[given.sightings[sighting]!.reference]?.metric ?? null
  return rootCauseLine(issue.name, rank(given), entities, metricOf)
}
