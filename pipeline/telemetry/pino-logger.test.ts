import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { testFolder } from '../testing/test-folder.ts'
import { timestamp } from './log-line.ts'
import { createLogger } from './pino-logger.ts'
import { serviceTelemetry, telemetryKeys } from './telemetry-keys.ts'

const folder = testFolder('log')
const resource = new Map([
  ['service.version', '1'],
  ['service.name', 'vigil'],
])
const start = Date.UTC(2026, 10, 23, 13)

/** A log into a file, from the YAML of `logs`. */
function open(yaml: string, now = () => start) {
  const path = join(folder, `${Math.random()}.log`)
  const { logs } = serviceTelemetry(telemetryKeys.parse({ logs: { output_paths: [path], ...parse(yaml) } }))
  const log = createLogger(logs, resource, now)
  const read = async () => {
    await log.close()
    return readFileSync(path, 'utf8')
  }
  return { path, log, read }
}

test('a console line is that of zap: time, level, caller, message, fields', async () => {
  const { log, read } = open('{}')
  const component = log.with({ 'otelcol.component.id': 'otlp', 'otelcol.component.kind': 'receiver' })
  component.info('Starting GRPC server', { endpoint: 'localhost:4317', list: ['a', 'b'], nested: { x: { y: 1 } } })
  const line = await read()
  assert.match(line, /\ttelemetry\/pino-logger\.test\.ts:\d+\t/)
  assert.equal(
    line.replace(/\ttelemetry\/[^\t]*/, '\tCALLER'),
    `${timestamp(start)}\tinfo\tCALLER\tStarting GRPC server\t{"resource": {"service.name": "vigil", "service.version": "1"}, "otelcol.component.id": "otlp", "otelcol.component.kind": "receiver", "endpoint": "localhost:4317", "list": ["a", "b"], "nested": {"x":{"y":1}}}\n`,
  )
})

test('times are local and carry their offset, as those of zap', () => {
  const before = process.env['TZ']
  try {
    const shown = ['UTC', 'Asia/Kolkata', 'America/St_Johns'].map((zone) => {
      process.env['TZ'] = zone
      return timestamp(start)
    })
    assert.deepEqual(shown, [
      '2026-11-23T13:00:00.000Z',
      '2026-11-23T18:30:00.000+0530',
      '2026-11-23T09:30:00.000-0330',
    ])
  } finally {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  }
})

test('a JSON line has the keys of zap, in its order', async () => {
  const { log, read } = open('{ encoding: json, initial_fields: { a: 1 } }')
  log.with({ b: 2 }).warn('Hello', { c: 3 })
  const line = JSON.parse(await read()) as Record<string, unknown>
  assert.deepEqual(Object.keys(line), ['level', 'ts', 'caller', 'msg', 'a', 'resource', 'b', 'c'])
  assert.deepEqual([line['level'], line['ts'], line['msg']], ['warn', timestamp(start), 'Hello'])
})

test('caller, resource and stack can be left out', async () => {
  const { log, read } = open('{ disable_caller: true, disable_zap_resource: true, disable_stacktrace: true }')
  log.error('Failed', { error: new Error('x') })
  assert.equal(await read(), `${timestamp(start)}\terror\tFailed\t{"error": "x"}\n`)
})

test('an error says its message and its causes; its stack stands below an error line, that of a refusal does not', async () => {
  const { log, read } = open('{ disable_caller: true, disable_zap_resource: true }')
  const cause = new Error('connection refused')
  const refusal = new Error('full')
  refusal.name = 'Rejected'
  log.warn('Retried', { error: new Error('export failed', { cause }) })
  log.error('Dropped', { error: new Error('export failed: connection refused', { cause }) })
  log.error('Refused', { error: refusal })
  const lines = (await read()).split('\n')
  assert.ok(lines[0]?.endsWith('Retried\t{"error": "export failed: connection refused"}'), lines[0])
  assert.ok(lines[1]?.endsWith('Dropped\t{"error": "export failed: connection refused"}'), lines[1])
  assert.match(lines[2] ?? '', /^ {4}at .*pino-logger\.test\.ts/)
  assert.ok(lines.at(-2)?.endsWith('Refused\t{"error": "full"}'), lines.at(-2))
})

test('no field can replace a part of the line, and an error may stand for all fields', async () => {
  const { log, read } = open('{ disable_caller: true, disable_zap_resource: true, disable_stacktrace: true }')
  log.info('Hello', { level: 'error', msg: 'other', ts: 0 })
  log.warn('Failed', new Error('x'))
  assert.equal(
    await read(),
    `${timestamp(start)}\tinfo\tHello\t{"level_": "error", "msg_": "other", "ts_": 0}\n${timestamp(start)}\twarn\tFailed\t{"error": "x"}\n`,
  )
})

test('secrets, cycles and binary data never reach the log', async () => {
  const { log, read } = open('{ encoding: json, disable_caller: true, disable_zap_resource: true }')
  const cycle: Record<string, unknown> = { big: 1n, data: Buffer.from('secret'), when: new Date(0), gone: undefined }
  cycle['self'] = cycle
  log.info('Configured', {
    config: { headers: { Authorization: 'Bearer x' }, api_key: 'x', password: 'x', client_secret: 'x', token_count: 3 },
    url: 'connect to http://user:pass@host/path failed',
    cycle,
  })
  const { config, url, cycle: shown } = JSON.parse(await read()) as Record<string, Record<string, unknown>>
  assert.deepEqual(config, {
    headers: { Authorization: '[REDACTED]' },
    api_key: '[REDACTED]',
    password: '[REDACTED]',
    client_secret: '[REDACTED]',
    token_count: 3,
  })
  assert.equal(url, 'connect to http://[REDACTED]@host/path failed')
  assert.deepEqual([shown?.['big'], shown?.['data'], shown?.['when']], [1, '(6 bytes)', '1970-01-01T00:00:00.000Z'])
})

test('lines below the level are not written', async () => {
  const { log, read } = open('{ level: warn }')
  log.debug('a')
  log.info('b')
  assert.deepEqual([log.isEnabled('info'), log.isEnabled('warn')], [false, true])
  assert.equal(await read(), '')
})

test('of many equal lines the first few are written, then each n-th, and the rest is counted', async () => {
  let now = start
  const { log, read } = open('{ sampling: { tick: 1s, initial: 2, thereafter: 10 } }', () => now)
  for (let i = 1; i <= 22; i++) log.with({ i }).info('again')
  log.info('another')
  now += 1_000
  log.info('again', { i: 'next tick' })
  const text = await read()
  assert.deepEqual([...text.matchAll(/"i": ([^}]+)/g)].map(([, i]) => i), ['1', '2', '12', '22', '"next tick"']) // biome-ignore format: a table
  assert.match(text, /another/)
  assert.equal(log.drops.sampled, 18)
})

test('a file is appended to, never truncated', async () => {
  const { path, log, read } = open('{}')
  writeFileSync(path, 'before\n')
  log.info('after')
  assert.match(await read(), /^before\n.*after/)
})

test('a file that cannot be opened is an error before the start', () => {
  assert.throws(
    () => open('{ output_paths: [/nonexistent/x.log] }'),
    /open sink "\/nonexistent\/x.log": create its dir/,
  )
})

/** Runs a script that has `log`, with its stderr in a pipe, as under a shell; the answer is what it wrote to stdout and stderr. */
async function runScript(reader: string, body: string) {
  const path = join(folder, `${Math.random()}.ts`)
  writeFileSync(
    path,
    `import { createLogger } from ${JSON.stringify(new URL('pino-logger.ts', import.meta.url).href)}
    import { serviceTelemetry, telemetryKeys } from ${JSON.stringify(new URL('telemetry-keys.ts', import.meta.url).href)}
    const { logs } = serviceTelemetry(telemetryKeys.parse({ logs: { sampling: { enabled: false } } }))
    const log = createLogger(logs, new Map())
    ${body}`,
  )
  const command = `{ ${process.execPath} ${path} 3>&1 1>&2 2>&3 3>&- | ${reader}; } 2>&1`
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
  const out: Buffer[] = []
  for await (const chunk of child.stdout) out.push(chunk as Buffer)
  return Buffer.concat(out).toString()
}

test('a reader that does not read costs lines, not memory, and neither blocks the process nor its end', async () => {
  const out = await runScript(
    'sleep 3',
    `const text = 'x'.repeat(100_000)
    for (let i = 0; i < 1_000; i++) log.info(text)
    const began = performance.now()
    await log.close()
    console.log(JSON.stringify({ ...log.drops, closeMs: performance.now() - began, rss: process.memoryUsage().rss }))
    process.exit()`,
  )
  const { blocked, rss, closeMs } = JSON.parse(out) as { blocked: number; rss: number; closeMs: number }
  assert.ok(blocked > 800 && blocked < 900, `${blocked} lines of 100 kB lost beyond 16 MiB`)
  assert.ok(rss < 300e6, `${rss} bytes`)
  assert.ok(closeMs < 2_700, `${closeMs} ms`)
})

test('a slow reader gets every line, whole and in order', async () => {
  const out = await runScript(
    '{ sleep 0.3; cat; }',
    `for (let i = 0; i < 5_000; i++) log.info('line ' + i + 'é'.repeat(20))
    await log.close()`,
  )
  const numbers = [...out.matchAll(/line (\d+)é{20}\n/g)].map(([, number]) => Number(number))
  assert.deepEqual(
    numbers,
    Array.from({ length: 5_000 }, (_, i) => i),
  )
})

test('what was logged last is written when the process ends without a close', async () => {
  const out = await runScript('cat', `for (let i = 0; i < 5; i++) log.info('line ' + i)\nprocess.exit(0)`)
  assert.deepEqual(out.match(/line \d/g)?.sort(), ['line 0', 'line 1', 'line 2', 'line 3', 'line 4'])
})

test('a reader that is gone holds up neither the process nor its end', async () => {
  const out = await runScript(
    'true',
    `await new Promise((resolve) => setTimeout(resolve, 100))
    for (let i = 0; i < 100; i++) log.info('line ' + i)
    await new Promise((resolve) => setTimeout(resolve, 50))
    log.info('more')
    console.log('ended')
    process.exit()`,
  )
  assert.equal(out, 'ended\n')
})
