import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { diagnosis, incident, notices, unrelated } from '../exporters/notify/events.fixture.ts'
import { writeJsonBytes } from '../pipeline/data/json/write-json.ts'
import type { Logs } from '../pipeline/data/telemetry.ts'
import { type Change, writeChange } from '../pipeline/vocabulary/change.ts'
import { eventLogs } from '../pipeline/vocabulary/event.ts'
import { runCommands } from './in-process.fixture.ts'
import { register } from './incidents.ts'

const vigil = (...argv: readonly string[]) => runCommands([register], [...argv, '--time-zone', 'UTC'])

/** As the `file` exporter writes them: a batch a line. */
function fileOf(t: TestContext, ...batches: readonly Logs[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-incidents-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'incidents.jsonl')
  writeFileSync(path, batches.map(lineOf).join(''))
  return path
}

function lineOf(batch: Logs): string {
  return `${Buffer.from(writeJsonBytes('logs', batch.chunks)).toString()}\n`
}

const resolved = String(1_700_000_000n * 1_000_000_000n)

test('incidents are listed by their newest revision, newest first, those that ended only when asked for', async (t) => {
  const file = fileOf(
    t,
    notices(incident(0), incident(1, { title: 'payment fails' })),
    unrelated(),
    notices(incident(0, { title: 'sent again' }), diagnosis(1)),
    notices(incident(2, { incident_id: 'old-1', state: 'resolved', reason: 'quiet', resolved, opened: '1' })),
  )
  const { code, stdout, stderr } = await vigil('incidents', '--file', file)
  assert.deepEqual([code, stderr], [0, ''])
  assert.deepEqual(stdout.split('\n'), [
    '1 incident open, 1 ended (--all shows them)',
    '',
    'P1 inc-1 payment fails',
    '  since 2023-11-14 22:09:40; open, payments',
    '  likely: paydb SELECT scans the whole table since 22:09:20.',
    '',
  ])
  const all = await vigil('incidents', '--all', '--suppressed', '--file', file)
  assert.match(all.stdout, /^ {2}suppressed: payment: P99 3\.5 s, .* \(explained by query paydb SELECT\)$/m)
  assert.ok(all.stdout.indexOf('inc-1') < all.stdout.indexOf('old-1'))
  const json = JSON.parse((await vigil('incidents', '--output', 'json', '--file', file)).stdout)
  assert.deepEqual(
    json.map((one: { incident: { incident_revision: number }; diagnosis: { verdict: string } }) => [
      one.incident.incident_revision,
      one.diagnosis.verdict,
    ]),
    [[1, 'likely']],
  )
})

test('a diagnosis says cause, evidence, what was ruled out and what to do; the beginning of an id is enough', async (t) => {
  const file = fileOf(t, notices(incident(0), diagnosis(0), incident(0, { incident_id: 'other-1' })))
  const { stdout } = await vigil('diagnose', 'inc', '--file', file)
  for (const part of [
    /^P1: payment is slow: P99 3\.5 s, expected 40 to 62 ms$/m,
    /^Owner: payments, tier 1$/m,
    /^Likely cause: query paydb SELECT: query$/m,
    /^Verdict: likely; right in 83 % of 120 such cases \(benchmark\)$/m,
    /^Evidence: P99 3\.4 s, expected 2 to 5 ms$/m,
    /^Ruled out: The deploy of order 2\.15\.0/m,
    /^Recommended: Add the index that the query lost\.$/m,
  ])
    assert.match(stdout, part)
  assert.match((await vigil('diagnose', 'other-1', '--file', file)).stdout, /No diagnosis of it was written down/)
  const unknown = await vigil('diagnose', 'x', '--file', file)
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /has no incident x; the latest are:\n {2}other-1 {2}payment is slow/)
})

test('an id that several begin with is asked for in full', async (t) => {
  const file = fileOf(t, notices(incident(0), incident(0, { incident_id: 'inc-2' })))
  const { code, stderr } = await vigil('diagnose', 'inc', '--file', file)
  assert.equal(code, 1)
  assert.match(stderr, /more than one incident begins with inc; .*\n {2}inc-2 .*\n {2}inc-1 /)
})

test('what telemetry says writes no control characters to the terminal', async (t) => {
  const file = fileOf(t, notices(incident(0, { title: 'a\u001b[2Jb\nc\u202e' })))
  const { stdout } = await vigil('incidents', '--file', file)
  assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\u202e]/u)
  assert.match(stdout, /P1 inc-1 a \[2Jb c/)
})

test('rotated files are read first, broken lines are counted, and a line that is being written is none', async (t) => {
  const file = fileOf(t, notices(incident(1, { title: 'newer' })))
  writeFileSync(
    file.replace('.jsonl', '-2026-11-24T05-02-14.173-size.jsonl'),
    `${lineOf(notices(incident(1)))}{"resourceLogs"\n`,
  )
  writeFileSync(file.replace('.jsonl', '-notes.jsonl'), 'no backup\n')
  const whole = lineOf(notices(incident(2, { title: 'not yet' })))
  appendFileSync(file, whole.slice(0, -20))
  const { code, stdout, stderr } = await vigil('incidents', '--file', file)
  assert.deepEqual([code, stderr], [0, `Warning: 1 line of ${file} could not be read: left out\n`])
  assert.match(stdout, /inc-1 newer/)
})

test('what cannot be read is said with the next thing to try', async (t) => {
  const missing = await vigil('incidents', '--file', '/nowhere/incidents.jsonl')
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /there is no \/nowhere\/incidents\.jsonl: say with --file/)
  const file = fileOf(t)
  assert.equal((await vigil('incidents', '--file', file)).stdout, '0 incidents open\n')
  writeFileSync(file, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 10, 1, 2, 3, 10]))
  assert.match(
    (await vigil('incidents', '--file', file)).stderr,
    /is OTLP JSON: write it by a file exporter with "format: json"/,
  )
  assert.match((await vigil('what-changed', 'noon', '--file', file)).stderr, /invalid argument "noon" for "from"/)
  assert.match((await vigil('what-changed', '1h', '2h', '--file', file)).stderr, /1h is after 2h/)
  assert.match(
    (await runCommands([register], ['incidents', '--time-zone', 'Mars', '--file', file])).stderr,
    /write an IANA name/,
  )
})

test('what changed is told once, oldest first, between the two times', async (t) => {
  const change = (id: string, time: string, rest: Partial<Change> = {}): Change => ({
    schema: 1,
    id,
    entity: { kind: 'service', cluster: '', environment: '', namespace: '', service: '', name: 'order' },
    time: String(BigInt(Date.parse(time)) * 1_000_000n),
    observed_time: String(BigInt(Date.parse(time)) * 1_000_000n),
    severity: 'low',
    text: `deploy ${id}`,
    kind: 'deploy',
    state: 'finished',
    source: 'version',
    ...rest,
  })
  const [b, a] = [
    change('b'.repeat(32), '2026-11-21T10:14:30Z'),
    change('a'.repeat(32), '2026-11-21T10:10:00Z', { by: 'ada' }),
  ]
  const late = change('c'.repeat(32), '2026-11-21T11:00:01Z')
  const file = fileOf(
    t,
    eventLogs(undefined, (builder) => {
      for (const one of [b, a, b, late]) writeChange(builder, one)
    }),
  )
  const { stdout } = await vigil('what-changed', '2026-11-21T10:00:00Z', '2026-11-21T11:00:00Z', '--file', file)
  assert.deepEqual(stdout.split('\n'), [
    '2 changes',
    `10:10:00  deploy  deploy ${'a'.repeat(32)}, by ada`,
    `10:14:30  deploy  deploy ${'b'.repeat(32)}`,
    '',
  ])
})
