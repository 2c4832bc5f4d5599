/** The configuration: a YAML text, and `--set` lines before it, become a `Config` or a `ConfigError` that says where or why. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../pipeline/config/config.ts'
import { decodeConfig } from '../../pipeline/config/decode.ts'
import { loadConfig } from '../../pipeline/config/load.ts'
import { loadCatalog } from '../catalog.ts'
import type { Random } from './random.ts'
import { bytesOf, must, type Target } from './target.ts'

const whole = `# every section
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "localhost:4317", max_recv_msg_size_mib: 8}
      http:
        endpoint: \${env:HOST}:4318
        cors: {allowed_origins: ["https://*.a.com"]}
processors:
  memory_limiter: &limits
    check_interval: 1s
    limit_mib: 512
  memory_limiter/two:
    <<: *limits
    spike_limit_mib: 64
  batch: {timeout: 200ms, send_batch_size: 1024}
exporters:
  debug: {verbosity: detailed}
  otlp_grpc/b:
    endpoint: backend:4317
    tls: {insecure: true}
    sending_queue: {queue_size: 100, num_consumers: 2}
    retry_on_failure: {initial_interval: 1s}
    headers: {a: "\${env:TOKEN:-none}"}
  otlp_http: {endpoint: "https\\u003a//x"}
connectors:
  forward:
extensions:
  health_check: {endpoint: "localhost:13133"}
  zpages:
service:
  extensions: [health_check, zpages]
  telemetry:
    logs: {level: info, encoding: json}
    metrics: {level: none}
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [debug, forward]}
    traces/2: {receivers: [forward], exporters: [otlp_grpc/b]}
    logs: {receivers: [otlp], exporters: [otlp_http]}
`
const small = `receivers: {nop: }
exporters: {nop: , debug: }
service: {pipelines: {traces: {receivers: [nop], exporters: [nop, debug]}}}
`
const expansions = `--set=exporters.debug.verbosity=normal
--set=service::telemetry::logs::level=\${env:LEVEL}
receivers: {otlp: {protocols: {grpc: {endpoint: "\${yaml:\${env:HOST}:1}"}}}}
exporters: {debug: "\${env:DEBUG}"}
service: \${file:service.yaml}
`
/** Aliases that would be 10^9 values when written out, and references that lead back to themselves. */
const bombs = [
  `a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
receivers: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
`,
  'receivers: ${env:LOOP}\nexporters: ${env:DOUBLE}\nservice: ${file:self.yaml}\n',
  'receivers: &a {nop: *a}\nexporters: ${yaml:${yaml:${yaml:${env:PROTO}}}}\n',
]
const values = [
  '',
  '~',
  '[]',
  '{}',
  '-1',
  '0',
  '.inf',
  '.nan',
  '1e400',
  '99999999999999999999',
  '0x1F',
  'true',
  '10s',
  '1h-1',
  '"\\u0000"',
  "''",
  '|\n      text',
  '>-',
  '!!binary aGk=',
  '!!int x',
  '!!float 1',
  '&x y',
  '*x',
  '*limits',
  '${env:A}',
  '${env:LIST}',
  '${env:LOOP}',
  '${HOST}',
  '$${env:A}',
  '${yaml:[1, {a: b}]}',
  '${file:service.yaml}',
  '${file:missing.yaml}',
  '${nope:x}',
  '${',
  '${env:${env:NAME}}',
  '{__proto__: {polluted: 1}}',
  '{constructor: {prototype: {polluted: 1}}}',
  '[[[[[[[[]]]]]]]]',
  '2020-01-01',
]
const keys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '<<',
  'a::b',
  '::',
  'nop',
  'otlp/',
  '/x',
  'enabled',
  'service::pipelines::traces',
  '? [a]',
  '"\\n"',
  '~',
]
const environment = {
  A: '1',
  HOST: 'localhost',
  NAME: 'A',
  LEVEL: 'debug',
  DEBUG: '{verbosity: basic}',
  LIST: '[a, ${env:A}]',
  LOOP: '${env:LOOP}',
  DOUBLE: '${env:DOUBLE}${env:DOUBLE}',
  PROTO: '{__proto__: {polluted: 1}}',
  EMPTY: '',
}
const files = {
  'service.yaml': 'pipelines: {traces: {receivers: [otlp], exporters: [debug]}}\n',
  'self.yaml': 'a: ${file:self.yaml}\n',
}
const decoder = new TextDecoder()

export async function configTarget(): Promise<Target> {
  const catalog = await loadCatalog([])
  const cwd = mkdtempSync(join(tmpdir(), 'vigil-fuzz-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)

  async function run(input: Uint8Array): Promise<boolean> {
    const { sets, text } = split(harmless(decoder.decode(input)))
    let isAccepted = true
    try {
      const tree = await loadConfig({ uris: [`yaml:${text}`], sets, env: environment, cwd })
      await decodeConfig(tree, catalog)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      isAccepted = false
      must(error.problems.length > 0, 'a ConfigError without a problem')
      for (const { message, path, position } of error.problems) {
        must(message.length > 3, `a problem without a reason at ${path}`)
        must(position === undefined || (position.line > 0 && position.column > 0), `a place that is none: ${message}`)
      }
    }
    must(!('polluted' in {}) && Object.keys(Object.prototype).length === 0, 'Object.prototype was written to')
    return isAccepted
  }

  return {
    maxBytes: 16_384,
    family: 3,
    tokens: [
      ...values,
      ...keys,
      '\n',
      '\n  ',
      '\t',
      ': ',
      '- ',
      ', ',
      '{',
      '}',
      '[',
      ']',
      '#',
      '---\n',
      '...\n',
      '%YAML 1.1\n',
      '\ufeff',
      '\r\n',
      '\0',
      '--set=a=b\n',
    ].map(bytesOf),
    seeds: [whole, small, expansions].map(bytesOf),
    generate: (random) =>
      bytesOf(reshaped(random.oneIn(40) ? random.pick(bombs) : random.pick([whole, whole, small, expansions]), random)),
    run,
    close: async () => rmSync(cwd, { recursive: true, force: true }),
  }
}

/** What reaches out of the sandbox is no part of the attack: no downloads, no file outside the folder. */
function harmless(text: string): string {
  return text.replace(/http(s?):(?=[^\s,}])/gi, 'hxxp$1:').replace(/(file:)[^}\n]*[/\\]+/gi, '$1')
}

/** Leading lines that begin with `--set=` are what they say. */
function split(text: string): { sets: string[]; text: string } {
  const sets: string[] = []
  let rest = text
  for (let line = /^--set=(.*)\n/.exec(rest); line !== null && sets.length < 8; line = /^--set=(.*)\n/.exec(rest)) {
    sets.push(line[1]!)
    rest = rest.slice(line[0].length)
  }
  return { sets, text: rest }
}

/** Lines moved, repeated, indented and given other keys and values. */
function reshaped(text: string, random: Random): string {
  const lines = text.split('\n')
  for (let steps = 1 + random.few(3); steps > 0; steps--) {
    const at = random.below(lines.length)
    const line = lines[at]!
    switch (random.below(8)) {
      case 0:
        lines.splice(at, 1)
        break
      case 1:
        lines.splice(random.below(lines.length + 1), 0, line)
        break
      case 2:
        lines[at] = ' '.repeat(random.below(5)) + line.trimStart()
        break
      case 3:
      case 4:
        lines[at] = line.replace(/:[^:]*$/, () => `: ${random.pick(values)}`)
        break
      case 5:
        lines[at] = line.replace(/[\w/.]+:/, () => `${random.pick(keys)}:`)
        break
      case 6: {
        const words = [...line.matchAll(/[\w./]+/g)]
        const word = random.pick(words)
        if (word !== undefined)
          lines[at] = line.slice(0, word.index) + random.pick(values) + line.slice(word.index + word[0].length)
        break
      }
      default: {
        const depth = random.below(random.oneIn(20) ? 3_000 : 30)
        lines.splice(
          at,
          0,
          `${' '.repeat(random.below(5))}x: ${random.oneIn(2) ? '['.repeat(depth) + ']'.repeat(depth) : '{a: '.repeat(depth) + '}'.repeat(depth)}`,
        )
      }
    }
    if (lines.length === 0) lines.push('')
  }
  return lines.join('\n')
}
