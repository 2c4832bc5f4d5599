import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { testFolder } from '../pipeline/testing/test-folder.ts'
import { register as registerEvaluate } from './evaluate.ts'
import { runCommands } from './in-process.fixture.ts'
import { register as registerPredict } from './predict.ts'

const folder = testFolder('predict')

const vigil = (...argv: readonly string[]) => runCommands([registerPredict, registerEvaluate], argv)

interface Line {
  readonly case: string
  readonly row: number
  readonly score: number
  readonly p: number
  readonly alarm: boolean
  readonly dims?: readonly string[]
}

let runs = 0

async function predict(kind: string, dir: string): Promise<readonly Line[]> {
  const output = join(folder, `predictions-${++runs}.jsonl`)
  const { code, stderr } = await vigil('predict', '--dataset', kind, '--output', output, dir)
  assert.equal(code, 0, stderr)
  return readFileSync(output, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** A folder of its own with these files; a name that ends in .gz is packed. */
function dataset(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(folder, 'data-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), name.endsWith('.gz') ? gzipSync(text) : text)
  }
  return dir
}

/** Rows of four metrics of one machine, with a fault in rows 900 to 939 of the test part. */
function machine(rows: number, hasFault: boolean): readonly (readonly number[])[] {
  let state = hasFault ? 77 : 33
  const noise = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32 - 0.5
  }
  return Array.from({ length: rows }, (_, i) => {
    const load = Math.sin(i / 40) + 0.3 * noise()
    const isFaulty = hasFault && i >= 900 && i < 940
    return [load, 3 * load + 0.1 * noise() + (isFaulty ? 4 : 0), 1e6 * (5 + noise()), isFaulty ? 5 : 0]
  })
}

function csv(rows: readonly (readonly number[])[], names: readonly string[] | undefined, order = [0, 1, 2, 3]): string {
  const pick = <T>(cells: readonly T[]) => order.map((j) => cells[j])
  return `${[...(names === undefined ? [] : [pick(names)]), ...rows.map(pick)].map((row) => row.join(',')).join('\n')}\n`
}

const names = ['cpu', 'latency', 'bytes', 'errors']
const [train, rows] = [machine(2000, false), machine(1200, true)]
const plain = dataset({ 'host-1.train.csv.gz': csv(train, names), 'host-1.test.csv.gz': csv(rows, names) })

test('a line for each test row, from 0, finite and within 0 to 1; the fault is found and named', async () => {
  const lines = await predict('smd', plain)
  assert.deepEqual(
    lines.map(({ row }) => row),
    rows.map((_, i) => i),
  )
  assert.ok(lines.every((line) => line.case === 'host-1' && typeof line.alarm === 'boolean'))
  for (const { score, p } of lines) assert.ok(score >= 0 && score <= 1 && p >= 0 && p <= 1)
  const alarms = lines.filter(({ alarm }) => alarm).map(({ row }) => row)
  assert.ok(
    alarms.some((row) => row >= 900 && row < 905),
    `alarms at ${alarms.join(', ')}`,
  )
  assert.deepEqual(new Set(lines[905]!.dims?.slice(0, 2)), new Set(['latency', 'errors']))
})

test('names, folders and the order of columns change nothing, down to the last bit', async () => {
  const [before] = [await predict('smd', plain)]
  const order = [3, 1, 0, 2]
  const other = ['q7', 'zz', 'a', 'metric']
  const renamed = dataset({
    'x/y.train.csv.gz': csv(train, other, order),
    'x/y.test.csv.gz': csv(rows, other, order),
  })
  const headless = dataset({
    'd2/service9.train.csv.gz': csv(train, undefined, order),
    'd2/service9.test.csv.gz': csv(rows, undefined, order),
  })
  const numbers = (lines: readonly Line[]) => lines.map(({ score, p, alarm }) => [score, p, alarm])
  const [moved, bare] = [await predict('asd', renamed), await predict('jumpstarter', headless)]
  assert.equal(moved[0]!.case, 'x/y')
  assert.equal(bare[0]!.case, 'd2/service9')
  assert.deepEqual(numbers(moved), numbers(before))
  assert.deepEqual(numbers(bare), numbers(before))
})

test('a row depends on nothing after it: input that is cut off gives the same first rows', async () => {
  const whole = await predict('smd', plain)
  const cut = dataset({
    'host-1.train.csv.gz': csv(train, names),
    'host-1.test.csv.gz': csv(rows.slice(0, 920), names),
  })
  assert.deepEqual(await predict('smd', cut), whole.slice(0, 920))
})

const series = (count: number) =>
  `timestamp,value\n${machine(1200, true)
    .slice(0, count)
    .map((row, i) => `${new Date(i * 300_000).toISOString().slice(0, 19).replace('T', ' ')},${row[1]}\n`)
    .join('')}`

test('nab: a line for each row of each file, causal too', async () => {
  const whole = await predict('nab', dataset({ 'data/real/one.csv': series(1200), 'config/profiles.json': '{}' }))
  assert.equal(whole.length, 1200)
  assert.equal(whole[0]!.case, 'real/one.csv')
  const cut = await predict('nab', dataset({ 'data/real/one.csv': series(950) }))
  assert.deepEqual(cut, whole.slice(0, 950))
})

test('evaluate prints our numbers beside those of the baselines, as text, JSON and HTML', async () => {
  const label = `label\n${rows.map((_, i) => (i >= 900 && i < 940 ? 1 : 0)).join('\n')}\n`
  const dir = dataset({
    'host-1.train.csv.gz': csv(train, names),
    'host-1.test.csv.gz': csv(rows, names),
    'host-1.label.csv': label,
  })
  const file = join(folder, 'own.jsonl')
  assert.equal((await vigil('predict', '--dataset', 'smd', '--output', file, dir)).code, 0)
  const run = (output: string) => vigil('evaluate', '--dataset', 'smd', '--predictions', file, '--output', output, dir)
  const { tables } = JSON.parse((await run('json')).stdout)
  const [own, random] = tables[0].rows
  assert.equal(own.detector, 'vigil')
  assert.equal(own.found, 1)
  assert.ok(own['AUC-PR'] > 0.9 && random['AUC-PR'] < 0.2)
  assert.match((await run('text')).stdout, /^vigil +\d\.\d{3} /m)
  assert.match((await run('html')).stdout, /<table>.*PCA-SPE \+ EMA/)
})

test('nab evaluate: an alarm in the window counts, and the scoreboard stands beside it', async () => {
  const at = (row: number) => `${new Date(row * 300_000).toISOString().slice(0, 19).replace('T', ' ')}.000000`
  const dir = dataset({
    'data/real/one.csv': series(1200),
    'labels/combined_windows.json': JSON.stringify({ 'real/one.csv': [[at(880), at(960)]] }),
    'scoreboard.json': JSON.stringify({ other: { standard: 50, reward_low_FP_rate: 40, reward_low_FN_rate: 60 } }),
  })
  const file = join(folder, 'nab.jsonl')
  assert.equal((await vigil('predict', '--dataset', 'nab', '--output', file, dir)).code, 0)
  const { code, stdout, stderr } = await vigil(
    'evaluate',
    '--dataset',
    'nab',
    '--predictions',
    file,
    '--output',
    'json',
    dir,
  )
  assert.equal(code, 0, stderr)
  const { tables } = JSON.parse(stdout)
  assert.deepEqual([tables[0].rows[0].found, tables[0].rows[0].of], [1, 1])
  assert.equal(tables[1].rows[0].standard, 50)
})

test('input that does not fit is refused with where, what and the cure', async () => {
  const refused = async (kind: string, files: Readonly<Record<string, string>>, message: RegExp) => {
    const { code, stderr } = await vigil(
      'predict',
      '--dataset',
      kind,
      '--output',
      join(folder, 'no.jsonl'),
      dataset(files),
    )
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
  await refused('smd', { 'readme.txt': '' }, /has no <case>\.test\.csv\.gz/)
  await refused(
    'smd',
    { 'a.test.csv.gz': 'x,y\n1,2\n3\n' },
    /a\.test\.csv\.gz:3 has 1 cells where the first line has 2/,
  )
  await refused('smd', { 'a.test.csv.gz': 'x,y\n1,2\n3,high\n' }, /a\.test\.csv\.gz:3 cell 2: "high" is not a number/)
  await refused('smd', { 'a.test.csv.gz': '1,2\n', 'a.train.csv.gz': '1\n' }, /must agree/)
  await refused(
    'nab',
    { 'data/g/a.csv': 'timestamp,value\n2020-01-01 00:00:00,much\n' },
    /a\.csv:2 "much" is not a number/,
  )
  await refused('nab', { 'a.csv': '' }, /has no data\/<group>/)
  assert.match(
    (await vigil('predict', '--dataset', 'smd', '--output', join(folder, 'no/such/file'), plain)).stderr,
    /cannot write/,
  )
  assert.match(
    (await vigil('predict', '--dataset', 'other', '--output', 'x', plain)).stderr,
    /smd, asd, jumpstarter, nab/,
  )
  const bad = join(folder, 'bad.jsonl')
  writeFileSync(bad, '{"case":"host-1","row":0,"score":2,"p":1,"alarm":false}\n')
  const { stderr } = await vigil('evaluate', '--dataset', 'smd', '--predictions', bad, plain)
  assert.match(stderr, /prediction 1: "score" is 2, which is not a number from 0 to 1/)
})
