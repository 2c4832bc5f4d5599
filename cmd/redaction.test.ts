/** Secrets are redacted by type: what a key of that type holds is shown nowhere, by no component of this build. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { suite, test } from 'node:test'
import { stringify } from 'yaml'
import type { Factory } from '../pipeline/component.ts'
import { decodeComponent, schemaOf } from '../pipeline/config/component-config.ts'
import { ConfigError } from '../pipeline/config/config.ts'
import { effective } from '../pipeline/config/effective.ts'
import { branches, type FieldSchema, fieldSchema } from '../pipeline/config/field-schema.ts'
import { parseYaml } from '../pipeline/config/parse-yaml.ts'
import { Problems } from '../pipeline/config/problems.ts'
import { serviceTelemetry, telemetryKeys } from '../pipeline/telemetry/telemetry-keys.ts'
import { testContext } from '../pipeline/testing/context.ts'
import { httpBackend } from '../pipeline/testing/otlp-backend.ts'
import { VigilProcess } from '../pipeline/testing/vigil-process.ts'
import { components } from './catalog.ts'

const planted = 'pl4nted-s3cret'
type Step = string | number
interface Place {
  readonly path: readonly Step[]
  readonly isHeaders: boolean
}

/** Where a schema takes secrets: map keys are `planted_key`, list items the first. */
function secretsIn(schema: FieldSchema, path: readonly Step[] = [], seen: readonly FieldSchema[] = []): Place[] {
  if (seen.includes(schema)) return []
  const inside = (inner: FieldSchema | boolean | undefined, ...more: Step[]) =>
    typeof inner === 'object' ? secretsIn(inner, [...path, ...more], [...seen, schema]) : []
  const kind = schema['x-kind']
  if (kind === 'secret' || kind === 'headers') return [{ path, isHeaders: kind === 'headers' }]
  return [
    ...(branches(schema) ?? []).flatMap((one) => inside(one)),
    ...(schema.allOf ?? []).flatMap((one) => inside(one)),
    ...Object.entries(schema.properties ?? {}).flatMap(([key, one]) => inside(one, key)),
    ...inside(schema.additionalProperties, 'planted_key'),
    ...inside(schema.items === false ? undefined : schema.items, 0),
  ]
}

/** The secret at its place, and around it what the schema cannot do without. */
function configWith(schema: FieldSchema, [step, ...rest]: readonly Step[], secret: unknown): unknown {
  if (step === undefined) return secret
  const inner = [schema, ...allBranches(schema)]
  if (step === 0) return [configWith(inner.find(({ items }) => items)?.items || {}, rest, secret)]
  const own = inner.find(({ properties }) => properties && step in properties) ?? inner.find((one) => one.additionalProperties) ?? {} // biome-ignore format: one thing
  const next = own.properties?.[step] ?? own.additionalProperties
  const needed = (own.required ?? []).filter((key) => key !== step).map((key) => [key, sample(own.properties?.[key])])
  return {
    ...Object.fromEntries(needed),
    [step]: configWith(typeof next === 'object' ? next : {}, rest, secret),
  }
}

function allBranches(schema: FieldSchema): FieldSchema[] {
  return [...(branches(schema) ?? []), ...(schema.allOf ?? [])].flatMap((one) => [one, ...allBranches(one)])
}

function sample(schema: FieldSchema = {}): unknown {
  if (schema.enum) return schema.enum[0]
  const [first] = branches(schema) ?? []
  if (first) return sample(first)
  if (schema.properties) {
    return Object.fromEntries((schema.required ?? []).map((key) => [key, sample(schema.properties?.[key])]))
  }
  return schema.type === 'array' ? [] : schema.type === 'integer' || schema.type === 'number' ? 1 : 'x'
}

/** Everything that a component with that config shows: to the user of the command line, in the log, on the pages. */
async function shownBy(factory: Factory, body: unknown): Promise<string> {
  const shown: unknown[] = []
  const said = (error: unknown) => {
    shown.push(error instanceof ConfigError ? error.problems : error instanceof Error ? causes(error) : error)
  }
  const parsed = parseYaml(stringify(body), 'test.yaml')
  if ('problems' in parsed) return JSON.stringify(parsed.problems)
  const problems = new Problems({ isChecked: true })
  const id = { type: factory.type, name: '', text: factory.type }
  const entry = { key: parsed.node.position, value: parsed.node }
  const config = decodeComponent(id, factory, `${factory.kind}s`, entry, problems)
  try {
    problems.throwIfAny()
  } catch (error) {
    said(error)
  }
  if (config === undefined) return JSON.stringify(shown)
  shown.push(config.redacted, config.fingerprint)
  for (const areDurationsNanoseconds of [true, false])
    shown.push(config.printed({ isRedacted: true, areDurationsNanoseconds }))
  const context = testContext({ kind: factory.kind, id: factory.type })
  try {
    const instance = factory.create(config.value, context)
    await instance.start?.()
    await instance.shutdown?.(AbortSignal.timeout(100))
  } catch (error) {
    said(error)
  }
  const { lines, states, drops, sums, gauges } = context.recorded
  shown.push(
    lines.map(({ message, fields }) => [message, plain(fields)]),
    states,
    drops,
    [...sums.keys(), ...gauges.keys()],
  )
  return JSON.stringify(shown)
}

function plain(fields: object): unknown {
  return Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? causes(value) : value])
}
function causes(error: Error): unknown[] {
  return [error.message, ...(error.cause instanceof Error ? causes(error.cause) : [String(error.cause)])]
}

suite('redaction by type', () => {
  test('what stands in a secret key of any component is never shown, whatever its form', async () => {
    let places = 0
    for (const entry of components) {
      const factory = await entry.load()
      const schema = schemaOf(factory).all
      for (const { path, isHeaders } of secretsIn(schema)) {
        places++
        const forms: unknown[] = isHeaders
          ? [{ 'x-a': planted }, [{ name: 'x-a', value: planted }], planted, [planted], { 'x-a': [planted] }]
          : [planted, [planted], { a: planted }, `$${planted}`, `-----BEGIN CERTIFICATE-----\n${planted}`]
        for (const form of forms) {
          const shown = await shownBy(factory, configWith(schema, path, form))
          assert.ok(!shown.includes(planted), `${factory.kind} ${factory.type}: ${path.join('::')}: ${shown}`)
        }
      }
    }
    // The walk itself works: TLS keys and headers alone are many.
    assert.ok(places > 40, String(places))
  })

  test('nor what stands in a secret key of service::telemetry', () => {
    const schema = fieldSchema(telemetryKeys)
    const places = secretsIn(schema)
    assert.ok(places.length >= 10, String(places.length))
    for (const { path, isHeaders } of places) {
      const body = configWith(schema, path, isHeaders ? { 'x-a': planted } : planted)
      const { error, data } = telemetryKeys.safeParse(body)
      const warnings = data ? serviceTelemetry(data).warnings : []
      const printed = effective(body, schema, { isRedacted: true })
      assert.ok(!JSON.stringify([error?.issues, warnings, printed]).includes(planted), path.join('::'))
    }
  })

  test('nor in a running engine: its log at debug, its pages, its own telemetry, its configuration, its processes', async () => {
    const backend = await httpBackend()
    const taken = createServer((_request, response) => response.writeHead(500).end('no')).listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const own = `{ otlp: { endpoint: '${backend.url}', headers: { x-own: ${planted} } } }`
    const yaml = `
receivers: { otlp: { protocols: { http: { endpoint: localhost:0, response_headers: { x-b: ${planted} } } } } }
exporters:
  otlp_http:
    endpoint: http://user:${planted}@127.0.0.1:${port}
    headers: { authorization: ${planted} }
    retry_on_failure: { enabled: false }
    sending_queue: { enabled: false }
extensions:
  zpages: { endpoint: localhost:0, expvar: { enabled: true }, response_headers: { x-a: ${planted} } }
  health_check: { use_v2: true, http: { endpoint: localhost:0, config: { enabled: true } } }
service:
  extensions: [zpages, health_check]
  telemetry:
    logs: { level: debug, encoding: json, processors: [{ batch: { schedule_delay: 10, exporter: ${own} } }] }
    metrics: { level: detailed, readers: [{ periodic: { interval: 50, exporter: ${own} } }] }
    traces: { processors: [{ batch: { schedule_delay: 10, exporter: ${own} } }] }
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } }
`
    const set = `--set=service.telemetry.resource.attributes=[{name: a, value: b}]`
    const inline = `yaml:exporters::otlp_http::headers::x-c: ${planted}`
    const args = ['--config', 'config.yaml', '--config', inline, set]
    const vigil = new VigilProcess(args, { 'config.yaml': yaml })
    await vigil.ready()
    const endpoint = async (message: string) => String((await vigil.line(message))['endpoint'])
    const pages = await endpoint('Started zpages extension')
    const health = await endpoint('Started health_check extension')
    const receiver = await vigil.port('HTTP')
    const body = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}'
    const headers = { 'content-type': 'application/json', 'x-api-key': planted }
    await fetch(`http://localhost:${receiver}/v1/logs`, { method: 'POST', headers, body })
    const names = ['servicez', 'pipelinez', 'extensionz', 'featurez', 'tracez', 'componentz', 'expvarz']
    const urls = [
      ...names.map((name) => `http://${pages}/debug/${name}`),
      `http://${pages}/debug/pipelinez?zpipelinename=logs&zcomponentname=otlp_http&zcomponentkind=exporter`,
      `http://${pages}/debug/tracez?zspanname=exporter%2Fotlp_http%2Flogs&ztype=2`,
      `http://${health}/status?verbose`,
      `http://${health}/config`,
    ]
    await backend.wait(({ signal }) => signal === 'traces')
    const served = await Promise.all(urls.map(async (url) => [url, await (await fetch(url)).text()] as const))
    const stderr = () => vigil.stderr
    await vigil.stop()
    await backend.close()
    taken.close()
    const sent = backend.received.flatMap(({ batch }) =>
      batch.chunks.map((chunk) => Buffer.from(chunk).toString('latin1')),
    )
    assert.deepEqual(new Set(backend.received.map(({ batch }) => batch.signal)).size, 3)
    for (const [where, text] of [...served, ['the log', stderr()], ['own telemetry', sent.join()]] as const) {
      const at = text.indexOf(planted)
      assert.equal(at, -1, `${where}: ${text.slice(Math.max(0, at - 200), at + 50)}`)
    }
  })
})
