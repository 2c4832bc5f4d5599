/** Finds the context of statements whose paths have prefixes: the most special one among those that can run them all. */
import type { Bool, Call, Expression, Path } from '../ast.ts'
import { byPriority, type ContextName, contexts } from '../contexts/contexts.ts'

export interface Uses {
  readonly prefixes: ReadonlySet<string>
  readonly functions: ReadonlySet<string>
  readonly enums: ReadonlySet<string>
}

/** Everything that decides about the context, of any parts of statements. */
export function usesOf(parts: readonly (Bool | Expression)[]): Uses {
  const prefixes = new Set<string>()
  const functions = new Set<string>()
  const enums = new Set<string>()
  const visit = (part: Bool | Expression): void => {
    switch (part.type) {
      case 'or':
      case 'and':
        visitAll(part.operands)
        return
      case 'not':
        visit(part.operand)
        return
      case 'converter':
        visit(part.call)
        return
      case 'compare':
      case 'math':
        visit(part.left)
        visit(part.right)
        return
      case 'list':
        visitAll(part.items)
        return
      case 'map':
        for (const { value } of part.items) visit(value)
        return
      case 'path':
        visitPath(part)
        return
      case 'call':
        visitCall(part)
        return
      case 'enum':
        enums.add(part.name)
        return
      default:
    }
  }
  const visitAll = (list: readonly (Bool | Expression)[]): void => {
    for (const part of list) visit(part)
  }
  const visitPath = ({ fields }: Path): void => {
    prefixes.add(fields[0]!.name)
    for (const { keys } of fields) visitAll(keys)
  }
  const visitCall = ({ name, args, keys }: Call): void => {
    functions.add(name)
    for (const { value } of args) visit(value)
    visitAll(keys)
  }
  for (const part of parts) visit(part)
  return { prefixes, functions, enums }
}

export function inferContext(
  uses: Uses,
  functionsIn: (context: ContextName) => ReadonlyMap<string, unknown>,
  among: readonly ContextName[] = byPriority,
): { readonly context: ContextName } | { readonly problem: string } {
  const allowed = byPriority.filter((name) => among.includes(name))
  const candidates = allowed.filter(
    (name) => name in contexts && (uses.prefixes.has(name) || aliasUsed(name, uses.prefixes)),
  )
  if (candidates.length === 0) {
    const known = [...allowed].reverse()
    const found = [...uses.prefixes]
    const meant = found.flatMap((field) =>
      known.filter((name) => Object.hasOwn(contexts[name].roots[name]!.paths, field)).map((name) => `${name}.${field}`),
    )
    const hint = meant.length === 0 ? '' : `; write ${meant.join(' or ')}`
    return {
      problem: `cannot infer the context: no path begins with a context (${known.join(', ')})${found.length === 0 ? '' : `; found ${found.join(', ')}${hint}`}`,
    }
  }
  const [best] = candidates
  // Functions and enums may exist only in a context with fewer paths: a span's IsRootSpan with resource paths alone.
  for (const name of [...candidates, ...allowed]) {
    const { roots, enums } = contexts[name]
    const functions = functionsIn(name)
    const fits =
      [...uses.prefixes].every((prefix) => Object.hasOwn(roots, prefix)) &&
      [...uses.functions].every((used) => functions.has(used)) &&
      [...uses.enums].every((used) => Object.hasOwn(enums, used) || functions.has(used))
    if (fits) return { context: name }
  }
  return { context: best! }
}

function aliasUsed(name: ContextName, prefixes: ReadonlySet<string>): boolean {
  return name === 'scope' && prefixes.has('instrumentation_scope')
}
