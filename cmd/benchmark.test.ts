import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { Progress } from './benchmark/progress.ts'
import type { Report } from './benchmark/report.ts'
import { runProgram } from './in-process.fixture.ts'

const folder = await mkdtemp(join(tmpdir(), 'vigil-benchmark-test-'))
after(() => rm(folder, { recursive: true, force: true }))
const topology = join(folder, 'small.yaml')
await writeFile(
  topology,
  `
name: small
users: { rate: 4, operations: [{ call: web/GET /, weight: 1 }] }
services:
  web: { kind: service, operations: { GET /: { self: { median: 5ms }, steps: [{ call: api/Get }] } } }
  api: { kind: service, operations: { Get: { self: { median: 5ms } } } }
`,
)

const vigil = (...argv: readonly string[]) => runProgram(argv)

const reports = (stdout: string) => JSON.parse(stdout) as readonly Report[]

test('a set goes through the real pipeline and every subject is judged, and everybody who acts', async () => {
  const args = ['benchmark', topology, '--incidents', '1', '--days', '0', '--seed', '5', '--incident-rate', '1']
  const one = await vigil(...args, '--output', 'json')
  assert.equal(one.stderr, '')
  const [report] = reports(one.stdout)
  assert.ok(report !== undefined && report.spans > 0 && report.points > 0 && report.logRecords > 0)
  assert.equal(report.scores.length, 6)
  assert.deepEqual(report.repairs.map(({ who }) => who).slice(0, 4), [
    'nothing is done',
    'oracle',
    'a human who knows',
    'static thresholds: restart the alarmed',
  ])
  assert.equal(report.repairs.length, 7)
  for (const sightings of Object.values(report.sightings)) assert.equal(sightings.length, report.faults)
  assert.ok(report.notes.some((note) => note.startsWith('0 quiet days')))
})

test('what was played is kept, goes on where it stopped, and is the same however many play at once', async () => {
  const resume = join(folder, 'kept')
  const args = [
    'benchmark',
    topology,
    '--incidents',
    '1',
    '--days',
    '0.02',
    '--seed',
    '5',
    '--incident-rate',
    '1',
    '--no-repairs',
  ]
  const whole = reports((await vigil(...args, '--output', 'json', '--jobs', '1')).stdout)[0]!
  const kept = [...args, '--resume', resume, '--output', 'json']
  const one = reports((await vigil(...kept, '--jobs', '2')).stdout)[0]!
  assert.deepEqual({ ...one, wallSeconds: 0 }, { ...whole, wallSeconds: 0 })
  const file = join(resume, 'small.jsonl')
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  assert.equal(lines.length, 2)
  const incident = lines.find((line) => line.includes('"run":"incident-1"'))!
  await writeFile(file, `${incident}\n`)
  const { stdout } = await vigil(...args, '--resume', resume, '--report')
  assert.match(stdout, /^ {2}1 incidents with .* 0 of 0\.02 planned quiet days/m)
  assert.match(stdout, /NOT FINISHED: 1 of 2 runs were played/)
  const again = reports((await vigil(...kept)).stdout)[0]!
  assert.deepEqual({ ...again, wallSeconds: 0 }, { ...whole, wallSeconds: 0 })
  assert.equal((await readFile(file, 'utf8')).split('\n').length, 3)
  const { stderr, code } = await vigil(...args, '--resume', resume, '--seed', '6')
  assert.equal(code, 1)
  assert.match(stderr, /small\.jsonl:1 was played with another seed: 5, not 6/)
})

test('who interrupts it keeps what was played, and is told how to go on', async () => {
  const resume = join(folder, 'interrupted')
  await mkdir(resume)
  const written = new AbortController()
  const watching = watch(resume, written)
  const main = join(import.meta.dirname, 'main.ts')
  const size = ['--incidents', '40', '--days', '0', '--incident-rate', '1']
  const args = [main, 'benchmark', topology, ...size, '--no-repairs', '--jobs', '1', '--resume', resume]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  const stderr = text(child.stderr)
  // The first change is the first line.
  for await (const _ of watching) break
  written.abort()
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [1, null])
  const lines = (await readFile(join(resume, 'small.jsonl'), 'utf8')).split('\n').length - 1
  assert.ok(lines >= 1 && lines < 40)
  assert.match(await stderr, new RegExp(`interrupted: ${lines} of 40 runs are in .*; begin again to go on`))
})

test('the table names the set and explains its columns', async () => {
  const { stdout, code } = await vigil('benchmark', topology, '--incidents', '0', '--days', '0.01')
  assert.equal(code, 0)
  assert.match(stdout, /^small: 2 services, seed 1, set \d+\.\d+ [0-9a-f]{16}\n/)
  for (const text of ['static thresholds', 'FP/day', 'max-z, random', 'Kaplan-Meier'])
    assert.ok(stdout.includes(text), text)
})

test('what cannot be played or started is said at once', async () => {
  const bad = join(folder, 'bad.yaml')
  const deaf = join(folder, 'deaf.yaml')
  await writeFile(deaf, 'receivers: {}\n')
  await writeFile(bad, 'receivers: { otlp: }\nprocessors: { nonsense: }\n')
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [[topology, '--incidents', '0', '--days', '0'], /nothing to play: give --incidents or --days/],
    [[topology, '--report'], /--report needs to know where the runs are: give --resume/],
    [[topology, '--incidents', '1.5'], /whole number from 0 to 100000/],
    [[join(folder, 'none.yaml')], /none\.yaml/],
    [[topology, '--incidents', '0', '--days', '0.01', '--config', bad], /the pipeline did not start with .*bad\.yaml/],
    [[topology, '--incidents', '0', '--days', '0.01', '--config', deaf], /deaf\.yaml has no otlp receiver/],
  ]
  for (const [args, message] of cases) {
    const { code, stderr } = await vigil('benchmark', ...args)
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
})

test('a terminal shows how far it is, a file does not', () => {
  let written = ''
  let now = 0
  const write = (text: string) => (written += text)
  const shown = new Progress({ write, isTTY: true }, () => now)
  now = 30_000
  shown.show(0.25, 'shop incident-3')
  assert.match(written, /█{8}░{22} 25 % shop incident-3, 90 s|2 min left/)
  shown.show(0.26, 'too soon')
  assert.ok(!written.includes('too soon'))
  written = ''
  new Progress({ write }, () => now).show(0.5, 'x')
  assert.equal(written, '')
})
