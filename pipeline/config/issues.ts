/** What zod finds wrong, in plain words and at its place in the user's sources. */
import type { z } from 'zod'
import type { Position } from './config.ts'
import type { Path, Problems } from './problems.ts'
import { didYouMean } from './suggest.ts'
import { isNull, type Node } from './tree.ts'

/** The section that was parsed: its path, and the node and key that its positions are found by. */
export interface Section {
  readonly path: Path
  readonly node: Node | undefined
  readonly key: Position | undefined
}

/** Undefined when `schema` has refused the value; then `problems` has what is wrong. */
export function parse<S extends z.ZodType>(
  schema: S,
  value: unknown,
  section: Section,
  problems: Problems,
): { readonly output: z.output<S> } | undefined {
  const result = schema.safeParse(value, { error: plainWords })
  if (result.success) return { output: result.data }
  for (const issue of result.error.issues) {
    if (!isRepeated(issue, result.error.issues)) report(issue, section, problems)
  }
  return undefined
}

/** The same for a value inside of a section that has checks of its own for it: paths are from the value, and the caller adds them as issues. */
export function issuesOf(
  schema: z.ZodType,
  value: unknown,
): readonly { readonly path: (string | number)[]; readonly message: string }[] {
  const { error } = schema.safeParse(value, { error: plainWords })
  return (error?.issues ?? []).map((issue) => {
    const path = issue.path.filter((key) => typeof key !== 'symbol')
    if (issue.code === 'unrecognized_keys') {
      const [key = ''] = issue.keys
      return { path: [...path, key], message: `has invalid keys: ${issue.keys.join(', ')}` }
    }
    const nearest =
      issue.code === 'invalid_union'
        ? issue.errors
            .flat()
            .reduce<Issue | undefined>(
              (best, one) => (one.path.length > (best?.path.length ?? 0) ? one : best),
              undefined,
            )
        : undefined
    if (nearest !== undefined)
      return {
        path: [...path, ...nearest.path.filter((key) => typeof key !== 'symbol')],
        message: nearest.message + choices(nearest, undefined),
      }
    return { path, message: issue.message + choices(issue, undefined) }
  })
}

type Issue = z.core.$ZodIssue

function report(issue: Issue, section: Section, problems: Problems): void {
  const inner = issue.path.filter((key) => typeof key !== 'symbol')
  const path = [...section.path, ...inner]
  // Coercion has named the cause; what zod says of a value that was left out would only repeat it.
  if (problems.isUncertain(path)) return
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys)
      problems.check(path, `has invalid keys: ${key}`, positionOf(section, [...inner, key]).key)
    return
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const nearest = issue.errors.reduce((best, one) => (depth(one) > depth(best) ? one : best))
    const first = nearest[0]
    if (first && depth(nearest) > 0) {
      report({ ...first, path: [...issue.path, ...first.path] } as Issue, section, problems)
      return
    }
  }
  const { value, key } = positionOf(section, culprit(issue, inner, section))
  problems.check(path, issue.message + choices(issue, valueAt(section, inner)), value ?? key)
}

/** `z.int()` bounds numbers to what JavaScript counts exactly; a bound of the schema's own says more. */
function isRepeated(issue: Issue, all: readonly Issue[]): boolean {
  if (issue.code !== 'too_big' && issue.code !== 'too_small') return false
  const limit = issue.code === 'too_big' ? issue.maximum : issue.minimum
  if (Math.abs(Number(limit)) !== Number.MAX_SAFE_INTEGER) return false
  return all.some((other) => other !== issue && other.code === issue.code && other.path.join() === issue.path.join())
}

function depth(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length))
}

/** Most of what may be wrong with types was found by coercion before; these are the rest. A schema's own message goes before them. */
const plainWords: z.core.$ZodErrorMap = (issue) => {
  const shown = show(issue.input)
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required; set it' : `expected ${issue.expected}, got ${shown}`
    case 'invalid_value':
      return issue.input === undefined ? 'is required; set it' : `${shown} is not supported`
    case 'too_small':
      return bound(issue, 'minimum' in issue ? issue.minimum : 0, 'at least', 'more than')
    case 'too_big':
      return bound(issue, 'maximum' in issue ? issue.maximum : 0, 'at most', 'less than')
    case 'not_multiple_of':
      return `${shown} is not a multiple of ${String('divisor' in issue ? issue.divisor : '')}`
    case 'invalid_format':
      return `${shown} is not ${'pattern' in issue && issue.format === 'regex' ? `of the form ${String(issue.pattern)}` : `a valid ${String('format' in issue ? issue.format : 'text')}`}`
    case 'invalid_union':
      return 'discriminator' in issue && typeof issue.discriminator === 'string'
        ? `has no valid "${issue.discriminator}"`
        : `${shown} is none of the forms that are allowed here`
    case 'invalid_key':
      return 'has a key that is not allowed'
    case 'invalid_element':
      return 'has an element that is not allowed'
    default:
      return 'is not valid'
  }
}

interface Bounded {
  readonly input?: unknown
  readonly origin?: string
  readonly inclusive?: boolean
}
function bound(issue: Bounded, limit: unknown, inclusive: string, exclusive: string): string {
  const word = issue.inclusive === false ? exclusive : inclusive
  const { input } = issue
  if (typeof input === 'number') {
    const overflow = limit === 0 && input < 0 ? ` (cannot parse value as 'uint': ${input} overflows uint)` : ''
    return `must be ${word} ${String(limit)}, got ${input}${overflow}`
  }
  if (typeof input === 'string')
    return limit === 1 && word === 'at least' ? 'must not be empty' : `must have ${word} ${String(limit)} characters`
  return `must have ${word} ${String(limit)} ${limit === 1 ? 'entry' : 'entries'}`
}

/** `; did you mean "basic"?` and all that is allowed, unless the message says it. */
function choices(issue: Issue, value: unknown): string {
  const wanted = allowed(issue).filter((one) => one !== '')
  if (wanted.length === 0) return ''
  const near = typeof value === 'string' ? didYouMean(value, wanted) : ''
  // A message of a schema's own that names the first two names them all.
  if (wanted.slice(0, 2).every((one) => issue.message.includes(one))) return near
  return `${near === '' ? '; allowed' : `${near} Allowed`}: ${wanted.join(', ')}`
}

function allowed(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  return issue.code === 'invalid_union' && 'options' in issue ? (issue.options as unknown[]).map(String) : []
}

function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a map'
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** A check of several keys stands at the section; its text names the key that it is about, and that is where to look. */
function culprit(issue: Issue, path: Path, section: Section): Path {
  const { node } = walk(section, path)
  if (issue.code !== 'custom' || node?.kind !== 'map') return path
  const named = issue.message.match(/[\w.-]+/g)?.find((word) => node.entries.has(word))
  return named === undefined ? path : [...path, named]
}

function valueAt(section: Section, path: Path): unknown {
  const node = walk(section, path).node
  return node?.kind === 'scalar' ? (node.original ?? node.value) : undefined
}

/** `key` where its name stands, or that of the nearest section around it; `value` where a scalar stands that is there. */
function positionOf(
  section: Section,
  path: Path,
): { readonly key: Position | undefined; readonly value: Position | undefined } {
  const { node, key } = walk(section, path)
  return { key, value: node?.kind === 'scalar' && !isNull(node) ? node.position : undefined }
}

function walk(section: Section, path: Path): { readonly node: Node | undefined; readonly key: Position | undefined } {
  let { node, key } = section
  for (const step of path) {
    if (node?.kind === 'map') {
      // Headers written as a map are a list to zod.
      const entry = typeof step === 'number' ? [...node.entries.values()][step] : node.entries.get(step)
      if (entry === undefined) return { node: undefined, key }
      key = entry.key
      node = entry.value
    } else if (node?.kind === 'list' && typeof step === 'number') {
      node = node.items[step]
      key = node?.position ?? key
    } else {
      return { node: node?.kind === 'scalar' ? node : undefined, key }
    }
  }
  return { node, key }
}
