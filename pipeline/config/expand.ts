/** `${...}`: references to other sources inside values, as upstream's `confmap/expand.go` reads them. */
import type { ConfigProblem, Position } from './config.ts'
import type { Providers, Retrieved } from './providers.ts'
import type { Entry, MapNode, Node, ScalarNode } from './tree.ts'
import { parseLocation } from './uri.ts'

const maxRounds = 1_000
/** Upstream has none of these two: a text that doubles a thousand times would take the machine with it. */
const maxTextLength = 2 * 1024 * 1024
const maxRetrievals = 100_000
/** Of one text: a file that refers to itself would be read a million times within the rounds. */
const maxRetrievalsOfText = 10_000

export interface Expansion {
  readonly root: MapNode
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly ConfigProblem[]
}

export async function expand(root: MapNode, providers: Providers): Promise<Expansion> {
  const expander = new Expander(providers)
  const expanded = await expander.tree(root, '')
  return { root: unescaped(expanded) as MapNode, problems: expander.problems, warnings: expander.warnings }
}

class Expander {
  readonly problems: ConfigProblem[] = []
  readonly warnings: ConfigProblem[] = []
  readonly #providers: Providers
  readonly #known = new Map<string, { readonly scheme: string; readonly got: Retrieved }>()
  #retrievals = 0
  #retrievalsOfText = 0

  constructor(providers: Providers) {
    this.#providers = providers
  }

  /** The tree as it was written: each text of it is expanded to the end on its own, so that all problems show at once. */
  async tree(node: Node, path: string): Promise<Node> {
    if (node.kind === 'scalar') return this.#fully(node, path)
    if (node.kind === 'list') {
      const items: Node[] = []
      for (const [i, item] of node.items.entries())
        items.push(mayRefer(item) ? await this.tree(item, join(path, String(i))) : item)
      return { ...node, items }
    }
    const entries = new Map<string, Entry>()
    for (const [key, entry] of node.entries) {
      entries.set(
        key,
        mayRefer(entry.value) ? { key: entry.key, value: await this.tree(entry.value, join(path, key)) } : entry,
      )
    }
    return { ...node, entries }
  }

  async #fully(scalar: ScalarNode, path: string): Promise<Node> {
    if (!refers(scalar)) return scalar
    const warnings: string[] = []
    this.#retrievalsOfText = 0
    try {
      let node: Node = scalar
      for (let round = 0; round < maxRounds; round++) {
        const next: Node = await this.#once(node, scalar.position, warnings)
        if (next === node) {
          for (const message of new Set(warnings)) this.warnings.push({ path, message, position: scalar.position })
          return node
        }
        node = next
      }
      throw tooMany()
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.problems.push({ path, position: scalar.position, message: error.message })
      return { kind: 'scalar', value: null, position: scalar.position }
    }
  }

  /** One round; the same node = nothing left to do. */
  async #once(node: Node, at: Position, warnings: string[]): Promise<Node> {
    let next = await this.#value(node, at, warnings)
    if (node.original === undefined || (next.kind === 'scalar' && typeof next.value === 'string')) return next
    // The type of the field is not known here, so the text is expanded too: `[a, ${B}]` may go to a string.
    const original = await this.#original(node.original, at)
    if (original === node.original && next === node) return node
    const { original: _, ...rest } = next
    next = original === undefined ? rest : { ...rest, original }
    return next
  }

  async #original(text: string, at: Position): Promise<string | undefined> {
    try {
      const expanded = await this.#text({ kind: 'scalar', value: text, position: at }, at, [])
      return expanded.kind === 'scalar' && typeof expanded.value === 'string' ? expanded.value : expanded.original
    } catch {
      // A comment of the text may look like a reference; the value itself was good.
      return undefined
    }
  }

  async #value(node: Node, at: Position, warnings: string[]): Promise<Node> {
    if (node.kind === 'scalar') return refers(node) ? this.#text(node, at, warnings) : node
    let changed = false
    if (node.kind === 'list') {
      const items: Node[] = []
      for (const item of node.items) {
        const next = await this.#once(item, at, warnings)
        changed ||= next !== item
        items.push(next)
      }
      return changed ? { ...node, items } : node
    }
    const entries = new Map<string, Entry>()
    for (const [key, entry] of node.entries) {
      const value = await this.#once(entry.value, at, warnings)
      changed ||= value !== entry.value
      entries.set(key, value === entry.value ? entry : { key: entry.key, value })
    }
    return changed ? { ...node, entries } : node
  }

  /** The first reference of a text, innermost first. */
  async #text(node: ScalarNode, at: Position, warnings: string[]): Promise<Node> {
    const text = String(node.value)
    const reference = findReference(text)
    if (reference === undefined) return node
    const { scheme, got } = await this.#retrieve(reference)
    if (got.warning !== undefined) warnings.push(got.warning)
    if (reference === text) {
      // Files keep their own places: that is where the user has to look. A scalar of one is found by its reference.
      const hasPlaces = scheme !== 'env' && scheme !== 'yaml' && got.node.kind !== 'scalar'
      const value = hasPlaces ? got.node : moved(got.node, at)
      return { ...value, original: got.text }
    }
    const replaced = text.replaceAll(reference, () => got.text)
    if (replaced.length > maxTextLength) throw tooMany()
    return { kind: 'scalar', value: replaced, position: node.position }
  }

  async #retrieve(reference: string): Promise<{ readonly scheme: string; readonly got: Retrieved }> {
    if (++this.#retrievals > maxRetrievals || ++this.#retrievalsOfText > maxRetrievalsOfText) throw tooMany()
    const known = this.#known.get(reference)
    if (known) return known
    const inner = reference.slice(2, -1)
    const uri = inner.includes(':') ? inner : `env:${inner}`
    // `${NAME:-default}` reads as a scheme, here as upstream.
    const name = /^(?:env:)?([a-zA-Z_][a-zA-Z0-9_]*):-/.exec(inner)
    const location = name && !inner.startsWith('env:') ? undefined : parseLocation(uri)
    if (location === undefined) throw new Error(`invalid uri: "${uri}"${name ? `; write \${env:${inner}}` : ''}`)
    if (location.opaque.includes('$')) throw new Error(`the uri "${uri}" contains unsupported characters ('$')`)
    const found = { scheme: location.scheme, got: await this.#providers.retrieve(location) }
    this.#known.set(reference, found)
    return found
  }
}

function tooMany(): Error {
  return new Error('too many recursive expansions; a reference leads back to itself')
}
function join(path: string, key: string): string {
  return path === '' ? key : `${path}::${key}`
}
function mayRefer(node: Node): boolean {
  return node.kind !== 'scalar' || refers(node)
}
function refers(node: ScalarNode): boolean {
  return typeof node.value === 'string' && node.value.includes('${') && node.value.includes('}')
}

/** `${...}` with no `${` inside; one after an odd number of further `$` is escaped. */
function findReference(text: string): string | undefined {
  let from = 0
  for (;;) {
    const close = text.indexOf('}', from)
    if (close < 0) return undefined
    const open = text.lastIndexOf('${', close)
    if (open < from) {
      from = close + 1
      continue
    }
    let dollars = 0
    while (open - 1 - dollars >= from && text[open - 1 - dollars] === '$') dollars++
    if (dollars % 2 === 0) return text.slice(open, close + 1)
    from = close + 1
  }
}

/** The same values, all at one place. */
function moved(node: Node, position: Position): Node {
  if (node.kind === 'scalar') return { ...node, position }
  if (node.kind === 'list') return { ...node, position, items: node.items.map((item) => moved(item, position)) }
  const entries = new Map<string, Entry>()
  for (const [key, { value }] of node.entries) entries.set(key, { key: position, value: moved(value, position) })
  return { ...node, position, entries }
}

/** `$$` is `$`, once all references are gone. */
function unescaped(node: Node): Node {
  const original = node.original === undefined ? undefined : { original: node.original.replaceAll('$$', () => '$') }
  if (node.kind === 'scalar') {
    const { value } = node
    if (original === undefined && !(typeof value === 'string' && value.includes('$$'))) return node
    return { ...node, ...original, value: typeof value === 'string' ? value.replaceAll('$$', () => '$') : value }
  }
  if (node.kind === 'list') return { ...node, ...original, items: node.items.map(unescaped) }
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries) {
    const value = unescaped(entry.value)
    entries.set(key, value === entry.value ? entry : { key: entry.key, value })
  }
  return { ...node, ...original, entries }
}
