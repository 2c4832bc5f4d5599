/** The JSON Schema of a component's config, as its zod schema gives it: what coercion, `print-config` and the schema for editors read. */
import { z } from 'zod'
import type { FieldKind, Flavour } from './fields.ts'

export interface FieldSchema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, FieldSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | FieldSchema
  readonly items?: FieldSchema | false
  readonly prefixItems?: readonly FieldSchema[]
  readonly anyOf?: readonly FieldSchema[]
  readonly oneOf?: readonly FieldSchema[]
  readonly allOf?: readonly FieldSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly maximum?: number
  readonly description?: string
  readonly 'x-kind'?: FieldKind
  readonly 'x-flavour'?: Flavour
  /** Of the output: JSON Schema has no default where a transform makes it something else. */
  readonly 'x-default'?: unknown
  /** Keys that upstream had once, and what to write instead. */
  readonly 'x-removed'?: Readonly<Record<string, string>>
  /** A default that `print-config` leaves out, as upstream does. */
  readonly 'x-unprinted'?: true
  /** The key whose options it has too: the table of options does not show them again. */
  readonly 'x-like'?: string
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, FieldSchema>>
}

const cache = new WeakMap<z.ZodType, FieldSchema>()

/** Made once per schema, when a config first names the component. */
export function fieldSchema(schema: z.ZodType): FieldSchema {
  let made = cache.get(schema)
  if (made === undefined) {
    const root = jsonOf(schema)
    made = linked(root, root, new Set())
    cache.set(schema, made)
  }
  return made
}

/** A copy that is plain JSON: a schema that contains itself keeps its `$ref`. */
export function jsonOf(schema: z.ZodType): FieldSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod
      if (def.type === 'default' || def.type === 'prefault') jsonSchema['x-default'] = defaultOf(def)
    },
  }) as FieldSchema
}

function defaultOf(def: object): unknown {
  return 'defaultValue' in def ? def.defaultValue : undefined
}

/** `$ref` only occurs where a schema contains itself; a cycle of objects is simpler to walk. Changes `schema`. */
function linked(schema: FieldSchema, root: FieldSchema, seen: Set<FieldSchema>): FieldSchema {
  if (schema.$ref !== undefined) return resolve(schema.$ref, root) ?? {}
  if (seen.has(schema)) return schema
  seen.add(schema)
  const node = schema as Record<string, unknown>
  for (const key of ['items', 'additionalProperties']) {
    if (typeof node[key] === 'object' && node[key] !== null) node[key] = linked(node[key], root, seen)
  }
  for (const key of ['anyOf', 'oneOf', 'allOf', 'prefixItems']) {
    const all = node[key]
    if (Array.isArray(all)) node[key] = all.map((one: FieldSchema) => linked(one, root, seen))
  }
  for (const key of ['properties', '$defs']) {
    const all = node[key] as Record<string, FieldSchema> | undefined
    for (const name of Object.keys(all ?? {})) if (all?.[name]) all[name] = linked(all[name], root, seen)
  }
  return schema
}

function resolve(ref: string, root: FieldSchema): FieldSchema | undefined {
  if (ref === '#') return root
  return root.$defs?.[ref.replace('#/$defs/', '')]
}

export function branches(schema: FieldSchema): readonly FieldSchema[] | undefined {
  return schema.anyOf ?? schema.oneOf
}

export function hasType(schema: FieldSchema, type: string): boolean {
  return schema.type === type || (Array.isArray(schema.type) && schema.type.includes(type))
}

/** No word on the type: `z.unknown()`. */
export function takesAnything(schema: FieldSchema): boolean {
  return (
    schema.type === undefined &&
    branches(schema) === undefined &&
    schema.allOf === undefined &&
    schema.enum === undefined &&
    schema.const === undefined
  )
}

export function takesNull(schema: FieldSchema): boolean {
  return (
    takesAnything(schema) ||
    hasType(schema, 'null') ||
    schema.const === null ||
    (branches(schema)?.some(takesNull) ?? false)
  )
}

/** Of the branches of a union the one that a value of this shape is meant for. */
export function branchFor(schema: FieldSchema, value: unknown): FieldSchema | undefined {
  const fitting = flatBranches(schema).filter((branch) => fits(branch, value))
  if (fitting.length < 2 || typeof value !== 'object' || value === null || Array.isArray(value)) return fitting[0]
  const tagged = fitting.filter((branch) =>
    Object.entries(branch.properties ?? {}).every(
      ([key, { const: tag }]) => tag === undefined || tag === (value as Record<string, unknown>)[key],
    ),
  )
  const known = (branch: FieldSchema) =>
    Object.keys(value).filter((key) => branch.properties && Object.hasOwn(branch.properties, key)).length
  return (tagged.length > 0 ? tagged : fitting).reduce((best, branch) => (known(branch) > known(best) ? branch : best))
}

function flatBranches(schema: FieldSchema): readonly FieldSchema[] {
  const all = branches(schema)
  return all === undefined ? [schema] : all.flatMap(flatBranches)
}

function fits(schema: FieldSchema, value: unknown): boolean {
  if (takesAnything(schema)) return true
  if (schema.const !== undefined && schema.type === undefined) return schema.const === value
  if (value === null) return takesNull(schema)
  if (Array.isArray(value)) return hasType(schema, 'array')
  if (typeof value === 'object')
    return hasType(schema, 'object') || schema['x-kind'] === 'headers' || schema.allOf !== undefined
  if (typeof value === 'number') return hasType(schema, 'number') || hasType(schema, 'integer')
  return hasType(schema, typeof value)
}
