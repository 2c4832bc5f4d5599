/** One component's body to its checked config: coerced, parsed by the factory's schema, and for an exporter split from the keys of the engine. */
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { Factory, Kind, Sending } from '../component.ts'
import { sendingKeys } from '../export/sending.ts'
import { coerceSection } from './coerce.ts'
import type { ComponentConfig, ComponentId } from './config.ts'
import { effective } from './effective.ts'
import { type FieldSchema, fieldSchema } from './field-schema.ts'
import { parse } from './issues.ts'
import type { Problems } from './problems.ts'
import { type Entry, isNull, typeName } from './tree.ts'

/** Undefined = `problems` has why. */
export function decodeComponent<K extends Kind>(
  id: ComponentId,
  factory: Factory<K>,
  section: string,
  { key, value: node }: Entry,
  problems: Problems,
): ComponentConfig<K> | undefined {
  const path = [section, id.text]
  if (node.kind !== 'map' && !isNull(node)) {
    const message = `'[${id.text}]' expected type 'map[string]interface {}', got unconvertible type '${typeName(node)}'; write its keys below it`
    problems.add(path, message, node.position)
    return undefined
  }
  const schema = schemaOf(factory)
  const before = problems.count
  const input = coerceSection(node, schema.all, path, '', problems)
  const [own, engine] = split(input, schema.sending)
  const place = { path, node, key }
  const value = parse(factory.config, own, place, problems)
  const sending = schema.sending && parse(schema.sending, engine, place, problems)
  if (problems.count > before) return undefined
  const shown = effective(input, schema.all, { isRedacted: false, areNumbersExact: true })
  const fingerprint = createHash('sha256')
    .update(`${factory.kind} ${factory.type} ${JSON.stringify(shown, exactly)}`)
    .digest('hex')
  const redacted = effective(input, schema.all, { isRedacted: true })
  return {
    id,
    factory,
    value: value?.output,
    sending: sending?.output,
    redacted,
    printed: (printing) => effective(input, schema.all, printing),
    fingerprint,
    position: key,
  }
}

export interface ComponentSchema {
  /** All keys that the user may write. */
  readonly all: FieldSchema
  readonly sending: z.ZodObject | undefined
}
const cache = new WeakMap<Factory, ComponentSchema>()

/** Made once per factory. */
export function schemaOf(factory: Factory): ComponentSchema {
  let made = cache.get(factory)
  if (made === undefined) {
    const own = fieldSchema(factory.config)
    const sending = factory.sending && sendingSchema(factory.sending)
    made = { all: sending ? joined(own, fieldSchema(sending)) : own, sending }
    cache.set(factory, made)
  }
  return made
}

/** None when it would have no keys: then nothing of the user's may go there. */
function sendingSchema(sending: Sending): z.ZodObject | undefined {
  const keys = sendingKeys(sending)
  return Object.keys(keys.shape).length > 0 ? keys : undefined
}

export function joined(own: FieldSchema, engine: FieldSchema): FieldSchema {
  return { ...own, properties: { ...own.properties, ...engine.properties } }
}

function split(input: Record<string, unknown>, sending: z.ZodObject | undefined): readonly [object, object] {
  if (sending === undefined) return [input, {}]
  const isEngine = ([key]: [string, unknown]) => Object.hasOwn(sending.shape, key)
  const all = Object.entries(input)
  return [Object.fromEntries(all.filter((entry) => !isEngine(entry))), Object.fromEntries(all.filter(isEngine))]
}

function exactly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}
