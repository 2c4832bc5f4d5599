/** The short format of our own: `services`, `entities` and `teams` in a YAML file. */
import { z } from 'zod'
import type { CatalogEntry } from '../../pipeline/capability/service-catalog.ts'
import { describeProblem, type Position } from '../../pipeline/config/config.ts'
import { issuesOf } from '../../pipeline/config/issues.ts'
import { didYouMean } from '../../pipeline/config/suggest.ts'
import { type Entry, type MapNode, type Node, toPlain } from '../../pipeline/config/tree.ts'
import { entityKinds } from '../../pipeline/vocabulary/entity.ts'
import { type CatalogRecord, entryOf, readTier, type Said, type Team } from './record.ts'

const text = z.string().min(1).max(4_096)
const strings = z.record(z.string(), z.coerce.string().min(1).max(1_024))
const tier = z.unknown().transform((value, context) => {
  const known = readTier(value)
  if (known !== undefined) return known
  context.addIssue({
    code: 'custom',
    message: `tier is 1 (users notice at once) to 4 (nobody is woken), got ${String(value)}`,
  })
  return z.NEVER
})
const fields = {
  owner: text.optional(),
  tier: tier.optional(),
  runbook: text.optional(),
  contacts: strings.optional(),
  slos: z.array(text).max(100).optional(),
  description: text.optional(),
  lifecycle: text.optional(),
  aliases: z.array(text).max(100).optional(),
}
export const serviceEntry = z.strictObject({
  ...fields,
  environments: z.record(z.string(), z.strictObject(fields)).optional(),
})
const entityEntry = z.strictObject({ kind: z.enum(entityKinds), name: text, environment: text.optional(), ...fields })
const teamEntry = z.strictObject({ contacts: strings })
type ServiceEntry = z.output<typeof serviceEntry>

export const ownKeys: readonly string[] = ['services', 'entities', 'teams']

/** A checked service, and what differs in an environment. */
export function recordsOf(
  name: string,
  { environments = {}, ...entry }: ServiceEntry,
  where: string,
): readonly CatalogRecord[] {
  const made = (of: Omit<ServiceEntry, 'environments'>): CatalogEntry => entryOf(of as CatalogEntry)
  return [
    ...Object.entries(environments).map(
      ([environment, of]): CatalogRecord => ({ kind: 'service', name, environment, entry: made(of), where }),
    ),
    { kind: 'service', name, entry: made(entry), where },
  ]
}

/** Of a document; what is wrong is left out alone. */
export function readOwnFormat(node: MapNode): Said {
  const records: CatalogRecord[] = []
  const teams: Team[] = []
  const problems: string[] = []
  for (const [key, entry] of node.entries) {
    if (!ownKeys.includes(key))
      problems.push(
        problem(
          `has invalid keys: ${key}${didYouMean(key, ownKeys) || `; known are ${ownKeys.join(', ')}`}`,
          entry.key,
        ),
      )
    else if (key === 'entities') {
      if (entry.value.kind !== 'list')
        problems.push(problem('entities is a list: - { kind: database, name: ... }', entry.key))
      else
        for (const [i, item] of entry.value.items.entries()) {
          const value = checked(entityEntry, item, item.position, `entities[${i}]`, problems)
          if (value === undefined) continue
          const { kind, name, environment, ...of } = value
          const at = environment === undefined ? {} : { environment }
          records.push({ kind, name, ...at, entry: entryOf(of as CatalogEntry), where: place(item.position) })
        }
    } else if (entry.value.kind !== 'map') problems.push(problem(`${key} is a map by name`, entry.key))
    else
      for (const [name, of] of entry.value.entries) {
        if (key === 'services') {
          const value = checked(serviceEntry, of.value, of.key, `services.${name}`, problems)
          if (value !== undefined) records.push(...recordsOf(name, value, place(of.key)))
        } else {
          const value = checked(teamEntry, of.value, of.key, `teams.${name}`, problems)
          if (value !== undefined) teams.push({ name, contacts: value.contacts, where: place(of.key) })
        }
      }
  }
  return { records, teams, problems }
}

/** Undefined where `problems` has why. */
export function checked<S extends z.ZodType>(
  schema: S,
  node: Node,
  key: Position,
  path: string,
  problems: string[],
): z.output<S> | undefined {
  const value = toPlain(node)
  const issues = issuesOf(schema, value)
  if (issues.length === 0) return schema.parse(value)
  for (const issue of issues)
    problems.push(problem(`${[path, ...issue.path].join('.')}: ${issue.message}`, positionOf(node, issue.path) ?? key))
  return undefined
}

export function place({ source, line, column }: Position): string {
  return `${source}:${line}:${column}`
}

function problem(message: string, position: Position): string {
  return describeProblem({ path: '', message, position })
}

function positionOf(node: Node, path: readonly (string | number)[]): Position | undefined {
  let at: Node = node
  let position: Position | undefined
  for (const step of path) {
    const entry: Entry | undefined = at.kind === 'map' ? at.entries.get(String(step)) : undefined
    const next: Node | undefined = entry?.value ?? (at.kind === 'list' ? at.items[Number(step)] : undefined)
    if (next === undefined) return position
    position = entry?.key ?? next.position
    at = next
  }
  return position
}
