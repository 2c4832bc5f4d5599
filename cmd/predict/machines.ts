/** SMD, ASD and JumpStarter: one table a machine, a train part to warm up on and a test part to score. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { columnOrder, reordered } from './column-order.ts'
import type { Dataset, EmitLine } from './dataset.ts'
import { OneEntity } from './one-entity.ts'
import { readTable } from './read-table.ts'

const layout = '<case>.test.csv.gz, and <case>.train.csv.gz to warm up on'
const testName = /\.test\.csv(\.gz)?$/
/** Columns named in a line. */
const mostDims = 10
/** Rows less likely than this say which columns made them so. */
const strangeP = 1e-2

export const machineKinds: readonly Dataset[] = ['smd', 'asd', 'jumpstarter'].map((kind) => ({
  kind,
  layout,
  async predict(dir, emit, progress) {
    const cases = await casesOf(dir)
    for (const [i, { name, test, train }] of cases.entries()) {
      progress(i, cases.length)
      await predictCase(name, train, test, emit)
    }
    progress(cases.length, cases.length)
  },
}))

interface Case {
  readonly name: string
  readonly test: string
  readonly train: string | undefined
}

/** The cases of a folder and the folders in it, in the order of their names. Throws an `Error` where there is none. */
export async function casesOf(dir: string): Promise<readonly Case[]> {
  const files = (await readdir(dir, { recursive: true })).map((file) => file.replaceAll('\\', '/')).sort()
  const known = new Set(files)
  const cases = files
    .filter((file) => testName.test(file))
    .map((file) => {
      const train = file.replace(testName, '.train.csv$1')
      return {
        name: file.replace(testName, ''),
        test: join(dir, file),
        train: known.has(train) ? join(dir, train) : undefined,
      }
    })
  if (cases.length === 0) throw new Error(`${dir} has no ${layout}: name the folder in which they stand`)
  return cases
}

async function predictCase(
  name: string,
  trainFile: string | undefined,
  testFile: string,
  emit: EmitLine,
): Promise<void> {
  const raw = await readTable(testFile)
  const warmup = trainFile === undefined ? undefined : await readTable(trainFile)
  if (warmup !== undefined && warmup.names.length !== raw.names.length)
    throw new Error(
      `${testFile} has ${raw.names.length} columns and ${trainFile} ${warmup.names.length}: they are of one machine and must agree`,
    )
  // By content, so that neither a column's name nor its place can matter, down to the last bit.
  const order = columnOrder(warmup ?? { ...raw, rows: 0 })
  const table = reordered(raw, order)
  const columns = order.length
  const entity = new OneEntity(columns)
  if (warmup !== undefined) entity.warmUp(reordered(warmup, order))
  for (let row = 0; row < table.rows; row++) {
    const { score, p, alarm, columns: strongest } = entity.next(table.values, row * columns, strangeP)
    const dims = strongest?.slice(0, mostDims).map((j) => table.names[j] ?? '')
    const written = emit({ case: name, row, score, p, alarm, ...(dims === undefined ? {} : { dims }) })
    if (written !== undefined) await written
  }
}
