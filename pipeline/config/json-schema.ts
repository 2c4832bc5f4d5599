/** The JSON Schema of this build's configuration: what an editor completes and checks YAML with. As lenient as the decoder, never stricter. */
import type { Factory, Kind } from '../component.ts'
import { sendingKeys } from '../export/sending.ts'
import { telemetryKeys } from '../telemetry/telemetry-keys.ts'
import { joined } from './component-config.ts'
import type { Catalog } from './config.ts'
import { formatDuration } from './duration.ts'
import { branches, type FieldSchema, jsonOf } from './field-schema.ts'

type Json = Record<string, unknown>

const kinds: readonly Kind[] = ['receiver', 'processor', 'exporter', 'connector', 'extension']
/** Stands wherever a value is expected: the decoder sees what it becomes. */
const reference: Json = {
  type: 'string',
  pattern: '\\$\\{.+\\}',
  description: 'A reference: ${env:NAME} or ${env:NAME:-default}.',
}
const referenceOnly = { $ref: '#/$defs/reference' }
const durationText = '^[-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:ns|us|µs|μs|ms|s|m|h)|^0$|\\$\\{.+\\}'
const name = '(?:/.+)?$'

export async function configSchema(catalog: Catalog): Promise<Json> {
  const $defs: Json = { reference }
  const sections = await Promise.all(
    kinds.map(async (kind) => [`${kind}s`, await section(kind, catalog, $defs)] as const),
  )
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Vigil configuration',
    type: 'object',
    properties: { ...Object.fromEntries(sections), service: service() },
    // `a::b: v` is `a: { b: v }`.
    patternProperties: { '::': {} },
    additionalProperties: false,
    $defs,
  }
}

async function section(kind: Kind, catalog: Catalog, $defs: Json): Promise<Json> {
  const patterns: Json = { '::': {} }
  await Promise.all(
    catalog.entries(kind).map(async (entry) => {
      const { type, aliases } = entry
      const key = `${kind}.${type}`
      $defs[key] = component(await entry.load(), `#/$defs/${key}`)
      // Underscores are optional in the decoder too.
      for (const one of [type, ...aliases])
        patterns[`^${one.replaceAll('_', '_?')}${name}`] = { $ref: `#/$defs/${key}` }
    }),
  )
  return { type: ['object', 'null'], patternProperties: patterns, additionalProperties: false }
}

function component(factory: Factory, ref: string): Json {
  const own = jsonOf(factory.config)
  const all = factory.sending ? joined(own, jsonOf(sendingKeys(factory.sending))) : own
  return editorField(all, ref)
}

function service(): Json {
  const ids = { anyOf: [{ type: ['array', 'null'], items: { type: ['string', 'null'] } }, referenceOnly] }
  const pipeline = {
    type: ['object', 'null'],
    properties: { receivers: ids, processors: ids, exporters: ids },
    patternProperties: { '::': {} },
    additionalProperties: false,
  }
  return {
    type: ['object', 'null'],
    properties: {
      extensions: ids,
      pipelines: {
        type: ['object', 'null'],
        patternProperties: { [`^(?:traces|metrics|logs|profiles)${name}`]: pipeline, '::': {} },
        additionalProperties: false,
      },
      plugins: {
        description: 'Files, relative to this one, and packages vigil-plugin-... that bring components.',
        anyOf: [{ type: ['array', 'null'], items: { type: 'string' } }, referenceOnly],
      },
      telemetry: editorField(jsonOf(telemetryKeys), '#/properties/service/properties/telemetry'),
    },
    patternProperties: { '::': {} },
    additionalProperties: false,
  }
}

/** One field as the user may write it: null and `${...}` anywhere, lists with commas, durations as text. `ref` is where the whole stands. */
function editorField(field: FieldSchema, ref: string): Json {
  const { $schema: _, $defs: inner, ...schema } = field as FieldSchema & { $schema?: string }
  const about: Json = {}
  if (schema.description !== undefined) about['description'] = schema.description
  const standard = defaultText(schema)
  if (standard !== undefined) about['default'] = standard
  if (schema.$ref !== undefined) return { ...about, $ref: schema.$ref.replace('#', ref) }
  const made = { ...about, ...shape(schema, ref) }
  return inner === undefined ? made : { ...made, $defs: mapValues(inner, (one) => editorField(one, ref)) }
}

function shape(schema: FieldSchema, ref: string): Json {
  const kinds = branches(schema)
  if (kinds) return { anyOf: [...kinds.map((one) => editorField(one, ref)), { type: 'null' }, referenceOnly] }
  if (schema.allOf) return { allOf: schema.allOf.map((one) => editorField(one, ref)) }
  switch (schema['x-kind']) {
    case 'duration':
      return { anyOf: [{ type: 'string', pattern: durationText }, { type: ['number', 'null'] }] }
    case 'level':
      return { anyOf: [{ enum: schema.enum ?? [] }, { type: ['string', 'null'] }] }
    case 'headers':
      return {
        anyOf: [
          { type: 'object', additionalProperties: { type: ['string', 'null'] } },
          list({ type: 'object' }),
          { type: 'null' },
          referenceOnly,
        ],
      }
    default:
  }
  if (schema.type === 'object') return objectShape(schema, ref)
  if (schema.type === 'array') {
    const item = schema.items ? editorField(schema.items, ref) : {}
    return { anyOf: [list(item), { type: ['string', 'null'] }] }
  }
  return scalar(schema)
}

/** No key is required: it may come from another file or from `--set`, and an editor sees one file only. */
function objectShape(schema: FieldSchema, ref: string): Json {
  const properties = mapValues(schema.properties ?? {}, (one) => editorField(one, ref))
  if (schema['x-kind'] === 'optional')
    properties['enabled'] ??= { type: ['boolean', 'null'], description: 'false turns the section off.' }
  const rest = schema.additionalProperties
  const own: Json = { type: ['object', 'null'], properties, patternProperties: { '::': {} } }
  own['additionalProperties'] = typeof rest === 'object' ? editorField(rest, ref) : (rest ?? {})
  return { anyOf: [own, referenceOnly] }
}

function scalar(schema: FieldSchema): Json {
  const { enum: values, const: only, type } = schema
  if (values) return { anyOf: [{ enum: values }, { type: 'null' }, referenceOnly] }
  if (only !== undefined) return { anyOf: [{ const: only }, { type: 'null' }, referenceOnly] }
  if (type === undefined) return {}
  const types = [...new Set([type, 'null'].flat())]
  return types.includes('string') ? { type: types } : { anyOf: [{ type: types }, referenceOnly] }
}

function list(items: Json): Json {
  return { type: 'array', items }
}

function defaultText(schema: FieldSchema): unknown {
  const value = schema['x-default']
  if (schema['x-kind'] === 'duration' && typeof value === 'number') return formatDuration(value)
  const isPlain = value === null || ['string', 'number', 'boolean'].includes(typeof value)
  return isPlain || (Array.isArray(value) && value.every((one) => typeof one !== 'object')) ? value : undefined
}

function mapValues<V>(all: Readonly<Record<string, V>>, change: (value: V) => unknown): Json {
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, change(value)]))
}
