import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, suite, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import protobuf from 'protobufjs'
import { ConfigError } from '../../pipeline/config/config.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import factory from './index.ts'
import { cmdline } from './pages.ts'

const nothing = { kind: 'extension', signals: [], outputs: [] } as const
describeContract(factory, 'endpoint: 127.0.0.1:0', nothing)

const folder = testFolder('pprof')

const stops: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function open(yaml = '') {
  const { instance, context } = build(factory, `endpoint: 127.0.0.1:0\n${yaml}`, nothing)
  const stop = () => instance.shutdown?.(AbortSignal.timeout(1_000))
  stops.push(stop)
  await instance.start?.()
  const address = String(context.recorded.lines.find(({ fields }) => fields['endpoint'])?.fields['endpoint'])
  return {
    context,
    clock: context.clock,
    get: (path: string, init: RequestInit = {}) => fetch(`http://${address}/debug/pprof/${path}`, init),
    stop,
  }
}
type Opened = Awaited<ReturnType<typeof open>>

/** Asks for a profile, works while it is taken, and lets its time pass. */
async function profileOf(opened: Opened, path: string, work: () => void): Promise<Response> {
  const timers = opened.clock.pendingTimers
  const asked = opened.get(path)
  while (opened.clock.pendingTimers === timers) await new Promise((resolve) => setImmediate(resolve))
  work()
  await opened.clock.advance(1_000)
  return asked
}

function burnCpu(): number {
  const end = performance.now() + 150
  let sum = 0
  while (performance.now() < end) sum += Math.sqrt(sum + 1)
  return sum
}
const kept: object[] = []
function keepMemory(): void {
  for (let i = 0; i < 50_000; i++) kept.push({ i, text: [i, i, i, i] })
}

/** profile.proto as its authors wrote it, cut to what is written here. */
const { root } = protobuf.parse(`syntax = "proto3";
message Profile { repeated ValueType sample_type = 1; repeated Sample sample = 2; repeated Mapping mapping = 3; repeated Location location = 4;
  repeated Function function = 5; repeated string string_table = 6; int64 time_nanos = 9; int64 duration_nanos = 10; ValueType period_type = 11; int64 period = 12; int64 default_sample_type = 14; }
message ValueType { int64 type = 1; int64 unit = 2; }
message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; }
message Mapping { uint64 id = 1; }
message Location { uint64 id = 1; uint64 mapping_id = 2; repeated Line line = 4; }
message Line { uint64 function_id = 1; int64 line = 2; }
message Function { uint64 id = 1; int64 name = 2; int64 system_name = 3; int64 filename = 4; int64 start_line = 5; }`)

interface Decoded {
  readonly sampleType: { type: number; unit: number }[]
  readonly sample: { locationId: number[]; value: number[] }[]
  readonly location: { id: number; line: { functionId: number }[] }[]
  readonly function: { id: number; name: number }[]
  readonly stringTable: string[]
  readonly timeNanos: string
}
function decode(body: Uint8Array): Decoded {
  const type = root.lookupType('Profile')
  const decoded = type.toObject(type.decode(gunzipSync(body)), { longs: Number, arrays: true })
  return decoded as unknown as Decoded
}

/** The sum of a value over all stacks that hold a function, and over all. */
function share({ sample, location, function: functions, stringTable }: Decoded, name: string, value = 1) {
  const nameOf = new Map(functions.map((one) => [one.id, stringTable[one.name]]))
  const at = new Map(location.map(({ id, line }) => [id, nameOf.get(line[0]?.functionId ?? 0)]))
  const total = sample.reduce((sum, one) => sum + (one.value[value] ?? 0), 0)
  const within = sample.filter(({ locationId }) => locationId.some((id) => at.get(id) === name))
  return { within: within.reduce((sum, one) => sum + (one.value[value] ?? 0), 0), total }
}

suite('profiles', () => {
  test('a CPU profile shows where the time went', async () => {
    const opened = await open()
    const response = await profileOf(opened, 'profile?seconds=1', burnCpu)
    assert.equal(response.status, 200)
    const profile = decode(new Uint8Array(await response.arrayBuffer()))
    assert.deepEqual(
      profile.sampleType.map(({ type, unit }) => [profile.stringTable[type], profile.stringTable[unit]]),
      [
        ['samples', 'count'],
        ['cpu', 'nanoseconds'],
      ],
    )
    const { within, total } = share(profile, 'burnCpu')
    assert.ok(within > 50e6 && within < 1e9 && within <= total, `${within} of ${total} ns`)
    await opened.stop()
  })

  test('a heap profile shows who holds what was allocated', async () => {
    for (const path of ['heap?seconds=1', 'allocs?seconds=1']) {
      const opened = await open()
      const response = await profileOf(opened, path, keepMemory)
      const { within, total } = share(decode(new Uint8Array(await response.arrayBuffer())), 'keepMemory')
      assert.ok(within > 1e6 && within <= total, `${path}: ${within} of ${total} bytes`)
      await opened.stop()
    }
  })

  test('go tool pprof reads it', async (t) => {
    const opened = await open()
    const response = await profileOf(opened, 'profile?seconds=1', burnCpu)
    const file = join(folder, 'cpu.pb.gz')
    writeFileSync(file, new Uint8Array(await response.arrayBuffer()))
    await opened.stop()
    const go = 'go'
    try {
      execFileSync(go, ['version'], { stdio: 'pipe' })
    } catch {
      return t.skip('there is no go here')
    }
    const top = execFileSync(go, ['tool', 'pprof', '-top', file], { encoding: 'utf8', stdio: 'pipe' })
    assert.match(top, /Type: cpu/)
    assert.match(top, /burnCpu/)
  })

  test('format=v8 is the profile as V8 made it', async () => {
    const opened = await open()
    const response = await profileOf(opened, 'profile?seconds=1&format=v8', burnCpu)
    assert.match(response.headers.get('content-disposition') ?? '', /vigil\.cpuprofile/)
    assert.ok('timeDeltas' in ((await response.json()) as object))
    await opened.stop()
  })

  test('one profile is taken at a time, and who hangs up leaves the place', async () => {
    const opened = await open()
    const abort = new AbortController()
    const first = opened.get('profile?seconds=300', { signal: abort.signal }).catch((error: unknown) => error)
    while (opened.clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
    const second = await opened.get('heap')
    assert.equal(second.status, 409)
    assert.match(await second.text(), /another profile is being taken/)
    abort.abort()
    await first
    while (opened.clock.pendingTimers > 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal((await profileOf(opened, 'heap?seconds=1', () => {})).status, 200)
    await opened.stop()
  })

  test('a shutdown ends the profile that is being taken', async () => {
    const opened = await open()
    const asked = opened.get('profile').catch((error: unknown) => error)
    while (opened.clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
    await opened.stop()
    await asked
    assert.equal(opened.clock.pendingTimers, 0)
  })

  test('what makes no sense is refused with what would', async () => {
    const opened = await open()
    const cases: [path: string, status: number, body: RegExp][] = [
      ['profile?seconds=0', 400, /above 0 and at most 300, got "0"/],
      ['profile?seconds=1e9', 400, /at most 300/],
      ['heap?seconds=x', 400, /got "x"/],
      ['profile?format=svg', 400, /pprof, v8/],
      ['goroutine', 404, /there are: profile, heap, allocs, cmdline/],
      ['', 200, /go tool pprof/],
      ['cmdline', 200, /node/],
    ]
    for (const [path, status, body] of cases) {
      const response = await opened.get(path)
      assert.equal(response.status, status, path)
      assert.match(await response.text(), body, path)
    }
    await opened.stop()
  })
})

suite('save_to_file', () => {
  test('holds the CPU profile from start to shutdown, over as many minutes as there are', async () => {
    const path = join(folder, 'saved.pb.gz')
    const opened = await open(`save_to_file: ${path}`)
    burnCpu()
    await opened.clock.advance(60_000)
    burnCpu()
    const busy = await opened.get('profile?seconds=1')
    assert.equal(busy.status, 409)
    assert.match(await busy.text(), /save_to_file/)
    await opened.stop()
    // V8 books a function that it has inlined to its caller, so only the sum is certain.
    const { within, total } = share(decode(readFileSync(path)), 'burnCpu')
    assert.ok(within > 50e6 && total > 250e6, `${within} of ${total} ns`)
  })

  test('a file that cannot be written fails the start, and the next start works', async () => {
    await assert.rejects(open(`save_to_file: ${join(folder, 'nowhere', 'x')}`), /ENOENT/)
    const opened = await open()
    await assert.rejects(open(), /only a single pprof extension instance/)
    await opened.stop()
  })
})

test('an empty endpoint is refused, and fractions without effect are said', async () => {
  assert.throws(
    () => build(factory, 'endpoint: ""', nothing),
    (error) => error instanceof ConfigError && /"endpoint" is required when using the "pprof"/.test(error.message),
  )
  const opened = await open('block_profile_fraction: 3\ndialer: { timeout: 1s }')
  assert.equal(opened.context.recorded.lines.filter(({ level }) => level === 'warn').length, 1)
  await opened.stop()
})

test('the command line is shown without what may be secret', () => {
  const shown = cmdline([
    'node',
    'main.ts',
    '--set',
    'a.token=s3cret',
    '--set=a.token=s3cret',
    '--config=yaml:a: s3cret',
    '--config',
    'yaml:a: s3cret',
    '--config=https://user:s3cret@host/config.yaml',
  ])
  assert.doesNotMatch(shown, /s3cret/)
  assert.match(shown, /^node\0main\.ts\0--set\0\[REDACTED\]\0--set=\[REDACTED\]/)
  assert.match(shown, /--config=https:\/\/\[REDACTED\]@host\/config\.yaml$/)
})
