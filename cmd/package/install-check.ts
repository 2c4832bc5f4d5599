/** `npm run test:install`: packs what `npm run build` made, installs it into an empty folder as a user would, and works with it. Needs a registry. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'

const dist = join(import.meta.dirname, '../../dist')
const quickstart = join(import.meta.dirname, '../../examples/quickstart.yaml')
const { NODE_TEST_CONTEXT: _, ...inherited } = process.env
const env = { ...inherited, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` }

let folder = ''
const run = (command: string, ...args: readonly string[]) =>
  execFileSync(command, args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-install-'))
  run('npm', 'pack', dist, '--silent')
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true }\n')
  run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`)
})
after(() => rmSync(folder, { recursive: true, force: true }))

suite('the installed package', () => {
  test('holds JavaScript and types only, and no tests', () => {
    const installed = readdirSync(join(folder, 'node_modules/vigil'), { recursive: true, encoding: 'utf8' })
    const strange = installed.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    const ours = /\.(?:test|bench|fixture)\.|^cmd\/(?:bench|compat|crash|fuzz|package|soak)(?:\/|$)/
    assert.deepEqual([strange, installed.filter((file) => ours.test(file))], [[], []])
  })

  test('knows its version and its components, and validates the quick start', () => {
    const { version } = JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8')) as { version: string }
    assert.equal(run('npx', '--no-install', 'vigil', '--version').trim(), `vigil version ${version}`)
    assert.match(run('npx', '--no-install', 'vigil', 'components'), /name: otlp_http/)
    assert.equal(run('npx', '--no-install', 'vigil', 'validate', '--config', quickstart), '')
  })

  test('makes a plugin, tests it and runs it', async () => {
    run('npx', '--no-install', 'vigil', 'create', 'plugin', 'mark')
    assert.match(run('npx', '--no-install', 'vigil', 'plugin', 'test', 'mark'), /fail 0/)
    const file = join(folder, 'mark/config.yaml')
    const yaml = readFileSync(file, 'utf8').replace('{ grpc: , http: }', "{ http: { endpoint: 'localhost:0' } }")
    writeFileSync(
      file,
      yaml.replace('service:\n', 'service:\n  telemetry: { logs: { encoding: json }, metrics: { level: none } }\n'),
    )
    const program = join(folder, 'node_modules/.bin/vigil')
    const vigil = spawn(program, ['--config', 'mark/config.yaml'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    try {
      const { endpoint } = await lineOf(vigil, 'Started the HTTP server.')
      // Large enough for the worker that reads JSON.
      const logRecords = Array.from({ length: 5_000 }, (_unused, i) => ({
        body: { stringValue: `${i} `.padEnd(300, 'x') },
      }))
      const response = await fetch(`http://${String(endpoint)}/v1/logs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
      })
      assert.equal(response.status, 200)
      await lineOf(vigil, /-> team: Str\(shop\)/)
    } finally {
      const exited = once(vigil, 'exit')
      vigil.kill('SIGTERM')
      await exited
    }
  })
})

/** The first JSON line that has this message. */
async function lineOf(child: ChildProcess, message: string | RegExp): Promise<Readonly<Record<string, unknown>>> {
  let rest = ''
  for await (const part of child.stderr?.iterator({ destroyOnReturn: false }) ?? []) {
    const lines = (rest + String(part)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('{')) continue
      const fields = JSON.parse(line) as Readonly<Record<string, unknown>>
      if (typeof message === 'string' ? fields['msg'] === message : message.test(String(fields['msg']))) return fields
    }
  }
  throw new Error(`vigil ended without saying ${String(message)}: ${rest}`)
}
