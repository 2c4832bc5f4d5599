import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Progress } from './benchmark/progress.ts'
import type { Report } from './benchmark/report.ts'
import { main } from './program.ts'

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

async function vigil(...argv: readonly string[]) {
  let [stdout, stderr] = ['', '']
  const world = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  }
  return { code: await main(argv, world), stdout, stderr }
}

const reports = (stdout: string) => JSON.parse(stdout) as readonly Report[]

test('a set goes through the real pipeline and every subject is judged; the same again is the same', async () => {
  const args = ['benchmark', topology, '--incidents', '1', '--days', '0', '--seed', '5', '--incident-rate', '1']
  const one = await vigil(...args, '--output', 'json')
  assert.equal(one.stderr, '')
  const [report] = reports(one.stdout)
  assert.ok(report !== undefined && report.spans > 0 && report.points > 0 && report.logRecords > 0)
  assert.equal(report.scores.length, 6)
  for (const sightings of Object.values(report.sightings)) assert.equal(sightings.length, report.faults)
  assert.ok(report.notes.some((note) => note.startsWith('0 quiet days')))
  const [again] = reports((await vigil(...args, '--output', 'json')).stdout)
  assert.deepEqual({ ...again, wallSeconds: 0 }, { ...report, wallSeconds: 0 })
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
  await writeFile(bad, 'receivers: {}\n')
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [[topology, '--incidents', '0', '--days', '0'], /nothing to play: give --incidents or --days/],
    [[topology, '--incidents', '1.5'], /whole number from 0 to 100000/],
    [[join(folder, 'none.yaml')], /none\.yaml/],
    [[topology, '--incidents', '0', '--days', '0.01', '--config', bad], /the pipeline did not start with .*bad\.yaml/],
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
