/** The Numenta Anomaly Benchmark: one series a file, nothing to warm up on. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from './dataset.ts'
import { OneEntity } from './one-entity.ts'

const layout = 'data/<group>/<file>.csv with the columns timestamp and value'

export const nab: Dataset = {
  kind: 'nab',
  layout,
  async predict(dir, emit, progress) {
    const files = await seriesOf(dir)
    for (const [i, file] of files.entries()) {
      progress(i, files.length)
      const { values } = await readSeries(join(dir, 'data', file))
      const entity = new OneEntity(1)
      for (let row = 0; row < values.length; row++) {
        const { score, p, alarm } = entity.next(values, row)
        const written = emit({ case: file, row, score, p, alarm })
        if (written !== undefined) await written
      }
    }
    progress(files.length, files.length)
  },
}

/** The series below `data/`, in the order of their names. Throws an `Error` where there is none. */
export async function seriesOf(dir: string): Promise<readonly string[]> {
  const found = await readdir(join(dir, 'data'), { recursive: true }).catch(() => [])
  const files = found
    .filter((file) => file.endsWith('.csv'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
  if (files.length === 0) throw new Error(`${dir} has no ${layout}: name the folder in which data/ stands`)
  return files
}

export interface Series {
  readonly timestamps: readonly string[]
  readonly values: Float64Array
}

/** Throws an `Error` that names file and line where a value is no number; an empty one is NaN. */
export async function readSeries(file: string): Promise<Series> {
  const lines = (await readFile(file, 'utf8')).split(/\r?\n/)
  while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop()
  if (lines[0]?.startsWith('timestamp,value') !== true)
    throw new Error(`${file}:1 begins with timestamp,value in this benchmark`)
  const timestamps: string[] = []
  const values = new Float64Array(lines.length - 1)
  for (let i = 1; i < lines.length; i++) {
    const [time = '', cell = ''] = (lines[i] as string).split(',')
    const value = cell.trim() === '' ? Number.NaN : Number(cell)
    if (Number.isNaN(value) && !/^\s*(nan)?\s*$/i.test(cell))
      throw new Error(`${file}:${i + 1} "${cell.slice(0, 40)}" is not a number`)
    timestamps.push(time)
    values[i - 1] = value
  }
  return { timestamps, values }
}
