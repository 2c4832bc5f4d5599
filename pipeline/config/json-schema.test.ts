import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalog } from './catalog.fixture.ts'
import { configSchema } from './json-schema.ts'
import { parseYaml } from './parse-yaml.ts'
import { toPlain } from './tree.ts'

type Json = { readonly [key: string]: unknown }

test('the schema takes what the decoder takes, and refuses typos', async () => {
  const schema = await configSchema(catalog)
  const accepts = (yaml: string) => {
    const parsed = parseYaml(yaml, 'c.yaml')
    assert.ok('node' in parsed)
    return matches(schema, schema, toPlain(parsed.node))
  }
  const good = [
    'receivers: {otlp: }',
    'receivers: {otlp: {protocols: {grpc: , http: {timeout: 5s}}}}',
    'receivers: {otlp/2: {protocols: {grpc: "${env:X}", http: {timeout: 5}}}}',
    'receivers: ',
    'processors: {batch: {send_batch_size: "${env:N:-1}", timeout: 1h30m, metadata_keys: "a,b"}}',
    'exporters: {otlp: {endpoint: x, tls: {enabled: false}, headers: {a: b}, sending_queue: {queue_size: 5}, retry_on_failure: }}',
    'exporters: {debug: {verbosity: DETAILED}}',
    'service: {extensions: [x], pipelines: {traces/a: {receivers: [otlp]}, logs: }}',
    'service: {telemetry: {logs: {level: debug}, metrics: {level: none}}}',
    'exporters::debug::verbosity: basic',
  ]
  const bad = [
    'receiver: {otlp: }',
    'receivers: {otpl: }',
    'receivers: {otlp: {protocls: }}',
    'receivers: [otlp]',
    'processors: {batch: {send_batch_size: abc}}',
    'processors: {batch: {timeout: 5d}}',
    'exporters: {otlp: {compression: gzi}}',
    'exporters: {debug: {sending_queue: }}',
    'service: {pipelines: {trace: }}',
    'service: {pipelines: {traces: {receiver: [a]}}}',
  ]
  for (const yaml of good) assert.ok(accepts(yaml), yaml)
  for (const yaml of bad) assert.ok(!accepts(yaml), yaml)
})

test('the schema carries descriptions and defaults as a user writes them', async () => {
  const { $defs } = (await configSchema(catalog)) as {
    $defs: Record<string, { anyOf: readonly { properties?: Json }[] }>
  }
  const batch = $defs['processor.batch']?.anyOf[0]?.properties as Record<string, Json>
  assert.equal(batch['timeout']?.['default'], '200ms')
  assert.equal(batch['send_batch_size']?.['description'], 'How many items make a batch.')
})

/** As much of JSON Schema as the generator uses. */
function matches(schema: Json, root: Json, value: unknown): boolean {
  const { $ref, anyOf, allOf, type, pattern } = schema
  if (typeof $ref === 'string') {
    const target = $ref
      .slice(2)
      .split('/')
      .reduce<unknown>((at, key) => (at as Json)[key], root)
    return matches(target as Json, root, value)
  }
  if (Array.isArray(anyOf) && !anyOf.some((one) => matches(one as Json, root, value))) return false
  if (Array.isArray(allOf) && !allOf.every((one) => matches(one as Json, root, value))) return false
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) return false
  if ('const' in schema && schema['const'] !== value) return false
  if (type !== undefined && !([type].flat() as string[]).some((one) => isA(one, value))) return false
  if (typeof pattern === 'string' && typeof value === 'string' && !new RegExp(pattern, 'u').test(value)) return false
  if (Array.isArray(value)) return value.every((item) => matches((schema['items'] ?? {}) as Json, root, item))
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, item]) => {
    const own = (schema['properties'] as Json | undefined)?.[key]
    const patterns = Object.entries((schema['patternProperties'] ?? {}) as Json).filter(([one]) =>
      new RegExp(one, 'u').test(key),
    )
    const all = [...(own ? [own] : []), ...patterns.map(([, one]) => one)]
    if (all.length === 0)
      return schema['additionalProperties'] === false
        ? false
        : matches((schema['additionalProperties'] ?? {}) as Json, root, item)
    return all.every((one) => matches(one as Json, root, item))
  })
}

function isA(type: string, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === type
  }
}
