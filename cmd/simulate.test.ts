import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'
import { runCommands } from './in-process.fixture.ts'
import { register } from './simulate.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigil-simulate-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const examples = join(import.meta.dirname, '../examples')
const shop = join(examples, 'topologies/shop.yaml')
const story = join(examples, 'scenarios/ten-fifteen.yaml')

const simulate = (...argv: readonly string[]) => runCommands([register], ['simulate', ...argv])

const told = /(\d+) spans, (\d+) data points and (\d+) log records/

test('the story plays at twenty times its speed into the quickstart, and everything arrives', async () => {
  const yaml = readFileSync(join(examples, 'quickstart.yaml'), 'utf8')
  const config = `${yaml.replace(/^(\s+)(grpc|http):$/gm, '$1$2: { endpoint: "localhost:0" }')}
  telemetry: { metrics: { level: none }, logs: { encoding: json } }
`.replace('health_check:\n', 'health_check: { endpoint: "localhost:0" }\n')
  const collector = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config })
  try {
    const port = await collector.port('gRPC')
    const flags = ['--speed', '20', '--duration', '15s', '--endpoint', `localhost:${port}`, '--insecure']
    const { code, stdout, stderr } = await simulate(shop, '--scenario', story, ...flags)
    assert.equal(code, 0, stderr)
    const sent = told.exec(stdout)?.slice(1).map(Number) ?? assert.fail(stdout)
    const exited = once(collector.child, 'exit')
    collector.child.kill('SIGTERM')
    await exited
    const text = readFileSync(join(collector.folder, 'quickstart.jsonl'), 'utf8')
    const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
    assert.equal(count(/"spanId":"[^"]+","(?:traceState|parentSpanId|flags|name)/g), sent[0])
    assert.equal(count(/"severityText"/g), sent[2])
    assert.ok(
      sent.every((items) => items > 100),
      stdout,
    )
  } finally {
    await collector.stop()
  }
})

test('the same seed writes the same file, and the truth goes to one of its own', async () => {
  const shortStory = join(folder, 'short.yaml')
  const write = async (name: string, seed: string) => {
    const [file, truth] = [join(folder, `${name}.jsonl`), join(folder, `${name}.json`)]
    const flags = ['--speed', '0', '--seed', seed, '--file', file, '--truth', truth]
    const { code, stderr } = await simulate(shop, '--scenario', shortStory, ...flags)
    assert.equal(code, 0, stderr)
    return { bytes: readFileSync(file), truth: JSON.parse(readFileSync(truth, 'utf8')) as Record<string, unknown> }
  }
  writeFileSync(
    shortStory,
    'name: short\nstart: 2026-11-21T10:00:00Z\nduration: 40s\nobservation: { sampling: 0.1 }\nevents: [{ at: 10s, fault: { type: lost_index, query: paydb/find_open_payments } }]\n',
  )
  const [one, same, other] = [await write('one', '5'), await write('same', '5'), await write('other', '6')]
  assert.ok(one.bytes.equals(same.bytes))
  assert.ok(!one.bytes.equals(other.bytes))
  assert.equal(one.truth['hash'], same.truth['hash'])
  assert.notEqual(one.truth['hash'], other.truth['hash'])
  assert.ok(!one.bytes.includes('lost_index'), 'no telemetry tells what the fault is')
})

test('what cannot be played is refused with the cure', async () => {
  const broken = join(folder, 'broken.yaml')
  writeFileSync(broken, 'name: broken\nservices: {}\n')
  assert.match((await simulate(broken)).stderr, /broken\.yaml:1:1.*users/)
  assert.match((await simulate(join(folder, 'nothing.yaml'))).stderr, /nothing\.yaml/)
  assert.match((await simulate(shop, '--speed', 'fast')).stderr, /must be a number/)
  const misfit = join(folder, 'misfit.yaml')
  writeFileSync(misfit, 'name: x\nduration: 1m\nevents: [{ at: 1s, fault: { type: dns, service: nobody } }]\n')
  const { code, stderr } = await simulate(shop, '--scenario', misfit, '--file', join(folder, 'x.jsonl'))
  assert.notEqual(code, 0)
  assert.match(stderr, /there is no service nobody; known are frontend/)
})

test('doors are opened where they are wanted, and the truth has what came in by them', async () => {
  const truth = join(folder, 'doors.json')
  const flags = ['--speed', '0', '--duration', '2s', '--file', join(folder, 'doors.jsonl'), '--truth', truth]
  const doors = ['--control', '127.0.0.1:0', '--kubernetes', '127.0.0.1:0']
  const { code, stdout } = await simulate(shop, ...flags, ...doors)
  assert.equal(code, 0)
  assert.match(stdout, /^control at http:\/\/127\.0\.0\.1:\d+\nKubernetes API at http:\/\/127\.0\.0\.1:\d+\n/)
  assert.deepEqual((JSON.parse(readFileSync(truth, 'utf8')) as { actions: unknown }).actions, [])
  assert.match((await simulate(shop, '--control', 'nowhere')).stderr, /missing port in address/)
})

test('a Collector that is not there is said to be not there', async () => {
  const { code, stderr } = await simulate(
    shop,
    '--speed',
    '0',
    '--duration',
    '6s',
    '--endpoint',
    'localhost:1',
    '--insecure',
  )
  assert.notEqual(code, 0)
  assert.match(stderr, /were not taken: .*ECONNREFUSED/)
})
