import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { testFolder } from '../pipeline/testing/test-folder.ts'
import { runProgram } from './in-process.fixture.ts'

const folder = testFolder('bundle')

let bundles = 0
/** The files of a new bundle, as `tar` reads them. */
async function bundle(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const path = join(folder, `bundle-${++bundles}.tar.gz`)
  const ended = await runProgram(['bundle', '--file', path, ...args], env)
  assert.deepEqual([ended.code, ended.stderr], [0, ''])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const out = mkdtempSync(join(folder, 'out-'))
  execFileSync('tar', ['-xzf', path, '-C', out])
  const names = readdirSync(join(out, 'vigil-bundle'), { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => statSync(join(out, 'vigil-bundle', name)).isFile())
  const contents = files.map((name) => [name, readFileSync(join(out, 'vigil-bundle', name), 'utf8')] as const)
  return {
    files: Object.fromEntries(contents),
    all: `${gunzipSync(readFileSync(path)).toString('latin1')}${ended.stdout}`,
  }
}
function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const secrets = {
  header: 'header-s3cret-aaaa',
  list: "list-s'3cret-bbbb",
  url: 'url-s3cret-cccc',
  query: 'query-s3cret-dddd',
  env: 'env-s3cret-eeee',
  telemetry: 'telemetry-s3cret-ffff',
  pem: 'pem0s3cret0gggg',
  broken: 'broken-s3cret-hhhh',
}
const config = `
receivers: { otlp: { protocols: { http: { endpoint: 'localhost:0', response_headers: { x-a: ${secrets.header} } } } } }
exporters:
  otlp_http:
    endpoint: http://user:${secrets.url}@backend:4318/?api_key=${secrets.query}
    headers: [{ name: x-b, value: "${secrets.list}" }]
    tls:
      cert_pem: certificate
      key_pem: |
        -----BEGIN PRIVATE KEY-----
        ${secrets.pem}
        -----END PRIVATE KEY-----
  debug/\${env:NAME}:
  file: { path: '/tmp/\${env:PATH_SECRET}.json' }
service:
  telemetry:
    metrics: { level: none }
    traces:
      processors: [{ batch: { exporter: { otlp: { protocol: http/protobuf, endpoint: 'http://localhost:4318', headers: [{ name: authorization, value: ${secrets.telemetry} }] } } } }]
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_http, file] } }
`.replace('  debug/${env:NAME}:\n', '')

const noSecretIn = (text: string) => {
  for (const [where, secret] of Object.entries(secrets)) {
    for (const form of [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      secret.replaceAll("'", "''"),
    ])
      assert.ok(!text.includes(form), `the secret of ${where} is in the bundle`)
  }
}

suite('bundle', () => {
  test('holds what one asks a user for, and no secret of the configuration', async () => {
    const { files, all } = await bundle(['--config', file('config.yaml', config)], { PATH_SECRET: secrets.env })
    assert.equal(files['problems.txt'], 'none\n')
    assert.deepEqual(Object.keys(files).toSorted(), ['about.json', 'components.txt', 'config.yaml', 'problems.txt'])
    noSecretIn(all)
    assert.match(files['config.yaml'] ?? '', /name: x-b\n\s+value: '?\[REDACTED\]/)
    assert.match(files['config.yaml'] ?? '', /\[REDACTED env:PATH_SECRET\]\.json/)
    assert.match(files['config.yaml'] ?? '', /http:\/\/\[REDACTED\]@backend:4318/)
    assert.match(files['components.txt'] ?? '', /exporter otlp_http, otlphttp/)
    const { build, node } = JSON.parse(files['about.json'] ?? '') as {
      build: { version: string }
      node: { v8: string }
    }
    assert.ok(build.version && node.v8)
  })

  test('holds the problems of a configuration that does not start, and no secret either', async () => {
    const broken = config
      .replace('level: none', 'level: nonsense')
      .replace('    tls:', `    password: ${secrets.broken}\n    timeout: ${secrets.env}\n    tls:`)
    const { files, all } = await bundle(['--config', file('broken.yaml', broken)], { PATH_SECRET: secrets.env })
    noSecretIn(all)
    assert.equal('config.yaml' in files, false)
    assert.match(files['problems.txt'] ?? '', /broken\.yaml:\d+:\d+ .*password/)
  })

  test('holds what running instances say, scrubbed as well', async () => {
    const server = createServer((request, response) => {
      const known = request.url === '/metrics' || request.url === '/debug/componentz'
      response.writeHead(known ? 200 : 404)
      response.end(`page ${request.url} Bearer ${secrets.header} http://u:${secrets.url}@host/ ${secrets.env}`)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const url = `http://user:${secrets.query}@127.0.0.1:${port}`
    const args = ['--config', file('config.yaml', config), '--url', url, '--url', 'http://127.0.0.1:1/metrics']
    const { files, all } = await bundle(args, { PATH_SECRET: secrets.env })
    server.close()
    noSecretIn(all)
    assert.match(files['instance-1/metrics'] ?? '', /page \/metrics Bearer \[REDACTED\] http:\/\/\[REDACTED\]@host/)
    assert.match(files['instance-1/componentz'] ?? '', /page \/debug\/componentz/)
    assert.match(files['instances.txt'] ?? '', /debug\/servicez: answered 404\nhttp:\/\/127\.0\.0\.1:1\/metrics: .*/)
  })

  test('needs no configuration, overwrites nothing, and wants an URL that is one', async () => {
    const { files } = await bundle([])
    assert.deepEqual(Object.keys(files).toSorted(), ['about.json', 'components.txt'])
    const there = await runProgram(['bundle', '--file', file('there.tar.gz', 'mine')])
    assert.match(there.stderr, /EEXIST/)
    assert.equal(readFileSync(join(folder, 'there.tar.gz'), 'utf8'), 'mine')
    const wrong = await runProgram(['bundle', '--url', 'ftp://x'])
    assert.match(wrong.stderr, /not an URL: "ftp:\/\/x"; write the address/)
  })
})
