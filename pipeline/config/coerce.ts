/** A tree to the plain value that a schema asks for, with the rules and words of upstream's decoder: no weak typing, null is zero, unknown keys are errors. */
import type { Position } from './config.ts'
import { branches, branchFor, type FieldSchema, hasType, takesAnything, takesNull } from './field-schema.ts'
import { splitList } from './fields.ts'
import type { Path, Problems } from './problems.ts'
import { didYouMean } from './suggest.ts'
import { isNull, kindName, type Node, type ScalarNode, toPlain, toValue, typeName } from './tree.ts'

/** The key is left out, so that the schema's default holds. */
const absent: unique symbol = Symbol('absent')

/** A place: its path from the root, and how upstream writes it inside of the component: `protocols.http`, `headers[0]`. */
interface Place {
  readonly path: Path
  readonly inside: string
}

/** The body of a component or section; null is an empty one. Problems go to `problems`; what has one is left out. */
export function coerceSection(
  node: Node | undefined,
  schema: FieldSchema,
  path: Path,
  inside: string,
  problems: Problems,
): Record<string, unknown> {
  if (node === undefined || isNull(node)) return {}
  const value = new Coercion(problems).value(node, schema, { path, inside }, node.position)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

class Coercion {
  readonly #problems: Problems

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** `key` is where the key stands: what a problem of a whole map or list points at. */
  value(node: Node, schema: FieldSchema, place: Place, key: Position): unknown {
    if (schema.anyOf ?? schema.oneOf) return this.#union(node, schema, place, key)
    if (schema.allOf) return this.value(node, intersection(schema.allOf), place, key)
    if (schema['x-kind'] === 'headers') return this.#headers(node, schema, place, key)
    if (schema['x-kind'] === 'value') return toValue(node)
    if (takesAnything(schema)) return toPlain(node)
    if (hasType(schema, 'object')) return this.#object(node, schema, place)
    if (hasType(schema, 'array')) return this.#list(node, schema, place, key)
    return this.#scalar(node, schema, place)
  }

  #union(node: Node, schema: FieldSchema, place: Place, key: Position): unknown {
    const branch =
      branchFor(schema, toPlain(node)) ?? (node.original === undefined ? undefined : branchFor(schema, node.original))
    if (branch) return this.value(node, branch, place, key)
    // Of what may only be null beside, it is a bad one. Else no branch takes it, and zod says so, with all of them in view.
    const [only, ...others] = branches(schema)?.filter((one) => one.type !== 'null') ?? []
    return only && others.length === 0 ? this.value(node, only, place, key) : toPlain(node)
  }

  #object(node: Node, schema: FieldSchema, place: Place): unknown {
    if (node.kind !== 'map') {
      if (isNull(node) && (takesNull(schema) || schema['x-kind'] === 'optional')) return null
      return this.#wrong(
        place,
        node,
        schema.properties
          ? `expected a map or struct, got "${kindName(node)}"${mapCure(schema)}`
          : `expected type 'map[string]interface {}', got unconvertible type '${typeName(node)}'${mapCure(schema)}`,
      )
    }
    const { properties = {}, additionalProperties = true } = schema
    const isOptional = schema['x-kind'] === 'optional'
    const value: [string, unknown][] = []
    for (const [name, entry] of node.entries) {
      const inner = { path: [...place.path, name], inside: dotted(place.inside, name) }
      const field = Object.hasOwn(properties, name)
        ? properties[name]
        : isOptional && name === 'enabled'
          ? enabledField
          : undefined
      if (field === enabledField && !isSwitch(entry.value)) {
        const got = entry.value.kind === 'scalar' ? String(entry.value.value) : entry.value.kind
        const message = `unexpected type ${kindName(entry.value)} for 'enabled': got '${got}' value expected 'true' or 'false'`
        this.#wrong(inner, entry.value, `${message}${cure(entry.value, enabledField)}`)
      } else if (field) {
        const isRequired = schema.required?.includes(name) ?? false
        const got = isNull(entry.value)
          ? this.#null(entry.value, field, isRequired, inner)
          : this.value(entry.value, field, inner, entry.key)
        if (got !== absent) value.push([name, got])
      } else if (additionalProperties === false) {
        const known = [...Object.keys(properties), ...(isOptional ? ['enabled'] : [])]
        const removed = schema['x-removed']?.[name]
        const cure = removed === undefined ? didYouMean(name, known) || listOf(known) : `; no longer a key: ${removed}`
        this.#problems.add(place.path, `${quoted(place.inside)}has invalid keys: ${name}${cure}`, entry.key)
        // Under its right name it might have been what a check of this section asks for.
        this.#problems.leaveOut(inner.path)
      } else {
        const item = { ...inner, inside: `${place.inside}[${name}]` }
        const field = typeof additionalProperties === 'object' ? additionalProperties : {}
        const got = isNull(entry.value)
          ? this.#null(entry.value, field, true, item)
          : this.value(entry.value, field, item, entry.key)
        if (got !== absent) value.push([name, got])
      }
    }
    // Not by assignment: a key may be called `__proto__`.
    return Object.fromEntries(value)
  }

  /** Go's decoder sets the zero value of a scalar; a list or section keeps its defaults. */
  #null(node: Node, schema: FieldSchema, isRequired: boolean, place: Place): unknown {
    if (schema['x-kind'] === 'optional' || takesNull(schema)) return null
    if (!isRequired && !('x-default' in schema)) return absent
    switch (schema['x-kind']) {
      case 'duration':
      case 'bytes':
        return 0
      case 'level':
      case 'id':
        return absent
      case 'headers':
        return []
      default:
    }
    if (schema.enum) return schema.enum.includes('') ? '' : absent
    if (hasType(schema, 'string')) return ''
    if (hasType(schema, 'number') || hasType(schema, 'integer')) return 0
    if (hasType(schema, 'boolean')) return false
    if (hasType(schema, 'array')) return isRequired ? [] : absent
    if (hasType(schema, 'object'))
      return isRequired
        ? this.value({ kind: 'map', entries: new Map(), position: node.position }, schema, place, node.position)
        : absent
    return absent
  }

  #list(node: Node, schema: FieldSchema, place: Place, key: Position): unknown {
    if (node.kind === 'list')
      return node.items.map((item, i) =>
        this.#item(item, itemSchema(schema, i), { path: [...place.path, i], inside: `${place.inside}[${i}]` }, key),
      )
    const ofText = schema['x-kind'] === 'list' || (schema.items && hasType(schema.items, 'string'))
    const text = textOf(node)
    if (ofText && text !== undefined) {
      const items = splitList(text).map((value): ScalarNode => ({ kind: 'scalar', value, position: node.position }))
      return this.#list({ kind: 'list', items, position: node.position }, schema, place, key)
    }
    return this.#wrong(
      place,
      node,
      `source data must be an array or slice, got ${kindName(node)}; write a list: [${node.kind === 'scalar' && schema['x-kind'] !== 'headers' ? String(node.value) : '...'}]`,
    )
  }

  #item(node: Node, schema: FieldSchema, place: Place, key: Position): unknown {
    if (!isNull(node)) return this.value(node, schema, place, key)
    const zero = this.#null(node, schema, true, place)
    return zero === absent ? null : zero
  }

  #headers(node: Node, schema: FieldSchema, place: Place, key: Position): unknown {
    const item = schema.items === false ? {} : (schema.items ?? {})
    if (node.kind !== 'map') return this.#list(node, { type: 'array', items: item, 'x-kind': 'headers' }, place, key)
    return this.#object(node, { type: 'object', additionalProperties: { type: 'string', 'x-kind': 'secret' } }, place)
  }

  #scalar(node: Node, schema: FieldSchema, place: Place): unknown {
    const takesText = hasType(schema, 'string')
    const takesNumber = hasType(schema, 'number') || hasType(schema, 'integer')
    if (node.kind === 'scalar') {
      const { value } = node
      if (takesNumber && typeof value === 'number')
        return hasType(schema, 'integer') ? this.#integer(value, place, node) : value
      if (hasType(schema, 'boolean') && typeof value === 'boolean') return value
      if (schema['x-kind'] === 'level' && Number.isInteger(value)) return value
      if (takesText && typeof value === 'string' && node.original === undefined) return value
    }
    if (takesText && node.original !== undefined) return node.original
    if (takesNull(schema) && isNull(node)) return null
    return this.#wrong(
      place,
      node,
      `expected type '${goType(schema)}', got unconvertible type '${typeName(node)}'${cure(node, schema)}`,
    )
  }

  /** Go cuts the fraction in silence. */
  #integer(value: number, place: Place, node: Node): number {
    if (Number.isInteger(value) || !Number.isFinite(value)) return value
    this.#problems.warn(place.path, `${value} is cut to the whole number ${Math.trunc(value)}`, node.position)
    return Math.trunc(value)
  }

  #wrong(place: Place, node: Node, message: string): typeof absent {
    this.#problems.add(place.path, `${quoted(place.inside)}${message}`, node.position)
    this.#problems.leaveOut(place.path)
    return absent
  }
}

const enabledField: FieldSchema = { type: 'boolean' }

function isSwitch(node: Node): boolean {
  return node.kind === 'scalar' && (node.value === null || typeof node.value === 'boolean')
}

function itemSchema({ prefixItems, items }: FieldSchema, i: number): FieldSchema {
  return prefixItems?.[i] ?? (items === false ? {} : (items ?? {}))
}

function intersection(all: readonly FieldSchema[]): FieldSchema {
  return {
    type: 'object',
    properties: Object.assign({}, ...all.map((one) => one.properties ?? {})) as Record<string, FieldSchema>,
    required: all.flatMap((one) => one.required ?? []),
    additionalProperties: all.every((one) => one.additionalProperties === false) ? false : {},
  }
}

function textOf(node: Node): string | undefined {
  if (node.kind !== 'scalar') return undefined
  return node.original ?? (typeof node.value === 'string' ? node.value : undefined)
}

/** Where upstream's decoder puts the place: `'protocols.http' `; nothing for the component itself. */
function quoted(inside: string): string {
  return inside === '' ? '' : `'${inside}' `
}
function dotted(inside: string, key: string): string {
  return inside === '' ? key : `${inside}.${key}`
}

function goType(schema: FieldSchema): string {
  switch (schema['x-kind']) {
    case 'duration':
      return 'time.Duration'
    case 'secret':
      return 'configopaque.String'
    case 'level':
      return 'configtelemetry.Level'
    default:
  }
  if (hasType(schema, 'string')) return 'string'
  if (hasType(schema, 'integer')) return schema.maximum === 2 ** 32 - 1 ? 'uint32' : 'int'
  if (hasType(schema, 'number')) return 'float64'
  return hasType(schema, 'boolean') ? 'bool' : String(schema.type)
}

function cure(node: Node, schema: FieldSchema): string {
  if (schema['x-kind'] === 'duration') return '; write a number with its unit, like 10s'
  if (node.kind !== 'scalar') return `; write one value, not a ${node.kind}`
  const text = String(node.value)
  if (hasType(schema, 'string'))
    return schema['x-kind'] === 'secret' ? '; put it in quotes' : `; put it in quotes: "${text}"`
  if (hasType(schema, 'boolean')) {
    if (/^(?:yes|on|true|y|1)$/i.test(text)) return '; write true, without quotes'
    return /^(?:no|off|false|n|0)$/i.test(text) ? '; write false, without quotes' : '; write true or false'
  }
  return text.trim() !== '' && Number.isFinite(Number(text))
    ? `; write ${text.trim()}, without quotes`
    : '; write a number'
}

function mapCure(schema: FieldSchema): string {
  const [first] = Object.keys(schema.properties ?? {})
  return first === undefined ? '; write a map: key: value' : `; write its keys below it, like ${first}: ...`
}

/** All keys, where they are few enough to read. */
function listOf(known: readonly string[]): string {
  if (known.length === 0) return '; it takes no keys'
  return known.length <= 12 ? `; known keys: ${known.join(', ')}` : ''
}
