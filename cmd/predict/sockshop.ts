/** Sock Shop: one table a case, a column a figure of a container. There is no call graph and no trace. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RootCauseCase, Sighting, SightingKind } from '../../models/root-cause/evidence.ts'
import { metricChange } from '../../models/root-cause/metric-change.ts'
import { rank } from '../../models/root-cause/rank.ts'
import type { Dataset } from './dataset.ts'
import { readTable, type Table } from './read-table.ts'
import { orderByContent, type RootCauseLine, rootCauseLine } from './root-cause.ts'

const layout =
  '<case>/<run>/{normal.csv,anomalous.csv}, and onset.json where the onset is not where anomalous.csv begins'

export const sockshop: Dataset = {
  kind: 'sockshop',
  layout,
  async predict(dir, emit, progress) {
    const cases = await sockshopCases(dir)
    for (const [i, name] of cases.entries()) {
      progress(i, cases.length)
      const recording = await readRecording(join(dir, name))
      await emit(diagnose(name, recording, recording.onset))
    }
    progress(cases.length, cases.length)
  },
}

/** In the order of their names. Throws an `Error` where there is none. */
export async function sockshopCases(dir: string): Promise<readonly string[]> {
  const files = (await readdir(dir, { recursive: true })).map((file) => file.replaceAll('\\', '/')).sort()
  const cases = files.filter((file) => file.endsWith('/normal.csv')).map((file) => file.slice(0, -'/normal.csv'.length))
  if (cases.length === 0) throw new Error(`${dir} has no ${layout}: name the folder in which the cases stand`)
  const alone = cases.find((name) => !existsSync(join(dir, name, 'anomalous.csv')))
  if (alone !== undefined) throw new Error(`${join(dir, alone)} has normal.csv and no anomalous.csv`)
  return cases
}

export interface Recording {
  readonly names: readonly string[]
  /** s */
  readonly times: Float64Array
  /** By column. */
  readonly columns: readonly Float64Array[]
  /** s on the clock of `times`. */
  readonly onset: number
}

/** The two files as one recording on the clock of the second: they were recorded apart, some of them the wrong way round. */
export async function readRecording(folder: string): Promise<Recording> {
  const [normalFile, faultyFile] = [join(folder, 'normal.csv'), join(folder, 'anomalous.csv')]
  const [normal, faulty] = [await readTable(normalFile), await readTable(faultyFile)]
  const [earlier, later] = [timesOf(normal, normalFile), timesOf(faulty, faultyFile)]
  const step = later.length > 1 ? ((later.at(-1) as number) - (later[0] as number)) / (later.length - 1) : 1
  const shift = (later[0] as number) - step - (earlier.at(-1) as number)
  const names = normal.names.filter((name) => name !== 'time')
  const columns = names.map((name) => {
    const at = faulty.names.indexOf(name)
    if (at < 0) throw new Error(`${faultyFile} has no column ${name}, which ${normalFile} has`)
    return Float64Array.from([...columnOf(normal, normal.names.indexOf(name)), ...columnOf(faulty, at)])
  })
  const stated = await readOnset(join(folder, 'onset.json'))
  const isOfNormal =
    stated !== undefined && stated >= (earlier[0] as number) && stated <= (earlier.at(-1) as number) + step
  return {
    names,
    times: Float64Array.from([...earlier.map((time) => time + shift), ...later]),
    columns,
    onset: stated === undefined ? (later[0] as number) : isOfNormal ? stated + shift : stated,
  }
}

function columnOf({ values, rows, names }: Table, column: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => values[row * names.length + column] as number)
}

function timesOf(table: Table, file: string): Float64Array {
  const at = table.names.indexOf('time')
  if (at < 0) throw new Error(`${file} has no column time: it has ${table.names.join(', ')}`)
  if (table.rows === 0) throw new Error(`${file} has no rows`)
  return columnOf(table, at)
}

/** The one number that the file holds, under whatever key. */
async function readOnset(file: string): Promise<number | undefined> {
  if (!existsSync(file)) return undefined
  const text = await readFile(file, 'utf8')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${file} is not JSON`, { cause })
  }
  const values = typeof parsed === 'object' && parsed !== null ? Object.values(parsed) : [parsed]
  const number = values.map(Number).find((value) => Number.isFinite(value) && value > 0)
  if (number === undefined)
    throw new Error(`${file} states no onset: it holds the time in seconds, as in {"onset": 1652566000}`)
  // Milliseconds, where seconds would lie in the year 5000.
  return number > 1e11 ? number / 1_000 : number
}

/** What the layout calls the figures, and the smallest change of each that means anything. */
const figures: Readonly<Record<string, { readonly kind: SightingKind; readonly floor: number }>> = {
  cpu: { kind: 'cpu', floor: 1 },
  mem: { kind: 'memory', floor: 2 ** 20 },
  lod: { kind: 'requests', floor: 0.5 },
  lat_50: { kind: 'latency', floor: 1e-3 },
  lat_90: { kind: 'latency', floor: 1e-3 },
  lat_99: { kind: 'latency', floor: 1e-3 },
}
const column = new RegExp(`^(.+)_(${Object.keys(figures).join('|')})$`)

/** The case as `rank` takes it, with what its nodes and the references of its sightings are called. */
function sockshopCase({ names, times, columns }: Recording, onset: number) {
  const entityOf = (name: string) => column.exec(name)?.[1] ?? name
  const found = [...new Set(names.map(entityOf))]
  const contents = found.map((entity) =>
    names.flatMap((name, i) => (entityOf(name) === entity ? [...(columns[i] as Float64Array)] : [])),
  )
  const entities = orderByContent(contents).map((i) => found[i]!)
  const step = ((times.at(-1) as number) - (times[0] as number)) / Math.max(1, times.length - 1)
  const sightings: Sighting[] = []
  for (const [reference, name] of names.entries()) {
    const { kind, floor } = figures[column.exec(name)?.[2] ?? ''] ?? { kind: 'other', floor: 0 }
    const change = metricChange({ times, values: columns[reference] as Float64Array, step }, onset, { floor })
    if (change === undefined) continue
    sightings.push({ node: entities.indexOf(entityOf(name)), kind, reference, ...change })
  }
  const given: RootCauseCase = {
    nodes: entities.map(() => 'service'),
    source: new Uint32Array(0),
    target: new Uint32Array(0),
    calls: new Float64Array(0),
    partOf: new Int32Array(entities.length).fill(-1),
    runsOn: new Int32Array(entities.length).fill(-1),
    felt: [],
    onset,
    sightings,
  }
  return { given, entities }
}

export function diagnose(name: string, recording: Recording, onset: number): RootCauseLine {
  const { given, entities } = sockshopCase(recording, onset)
  return rootCauseLine(
    name,
    rank(given),
    entities,
    (sighting) => recording.names[given.sightings[sighting]!.reference] ?? null,
  )
}
