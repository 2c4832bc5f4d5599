/** YAML text to a tree with positions, with the rules of go.yaml.in/yaml v3, which reads upstream's files. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseAllDocuments } from 'yaml'
import type { ConfigProblem, Position } from './config.ts'
import { exactNumber, resolvePlain, resolveTagged } from './scalar.ts'
import type { Entry, MapNode, Node, ScalarNode } from './tree.ts'
import { yamlErrorText } from './yaml-errors.ts'

/** Counts what aliases repeat, so that a few lines cannot grow to billions of values. */
const maxNodes = 1_000_000
const maxDepth = 1_000
const tooManyAliases = 'document contains excessive aliasing'

export type ParsedYaml = { readonly node: Node } | { readonly problems: readonly ConfigProblem[] }

/** The first document of `text`. Empty text is null. */
export function parseYaml(text: string, source: string): ParsedYaml {
  return parseDocuments(text, source, 1)[0] ?? { node: nullAt({ source, line: 1, column: 1 }) }
}

/** Every document of `text`, each with its own problems; none for an empty text. */
export function parseYamlDocuments(text: string, source: string): readonly ParsedYaml[] {
  return parseDocuments(text, source, Number.POSITIVE_INFINITY)
}

function parseDocuments(text: string, source: string, limit: number): readonly ParsedYaml[] {
  const lines = new LineCounter()
  try {
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      lineCounter: lines,
      uniqueKeys: false,
      prettyErrors: false,
    })
    if ('empty' in documents) return []
    return documents.slice(0, limit).map((document): ParsedYaml => {
      const reader = new Reader(lines, source)
      // One slip makes the parser stumble on, so only its first error is one.
      const [error] = document.errors
      if (error) reader.report(error.pos[0], yamlErrorText(error))
      if (reader.problems.length > 0) return { problems: reader.problems }
      const node = reader.read(document.contents, 0, 0).node
      return reader.problems.length > 0 ? { problems: reader.problems } : { node }
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // The parser itself runs out of stack before our own limit on depth.
    const message = error.message === tooManyAliases ? error.message : 'nested too deep'
    return [
      { problems: [{ path: '', position: { source, line: 1, column: 1 }, message: `not valid YAML: ${message}` }] },
    ]
  }
}

function nullAt(position: Position): ScalarNode {
  return { kind: 'scalar', value: null, position }
}

/** A node and how many nodes it stands for when aliases are written out. */
interface Sized {
  readonly node: Node
  readonly size: number
}

class Reader {
  readonly problems: ConfigProblem[] = []
  readonly #anchors = new Map<string, Sized | undefined>()
  readonly #lines: LineCounter
  readonly #source: string

  constructor(lines: LineCounter, source: string) {
    this.#lines = lines
    this.#source = source
  }

  report(offset: number, message: string): void {
    this.problems.push({ path: '', position: this.#at(offset), message: `not valid YAML: ${message}` })
  }

  /** `offset` is where a value that is not written at all would stand. */
  read(node: unknown, offset: number, depth: number): Sized {
    if (depth > maxDepth) throw new RangeError('nested too deep')
    if (isAlias(node)) return this.#alias(node.source, node.range?.[0] ?? offset)
    const at = (node as { range?: [number, number, number] } | null)?.range?.[0] ?? offset
    const anchor = (node as { anchor?: string } | null)?.anchor
    // Set before its value is read: an alias inside means that it contains itself.
    if (anchor !== undefined) this.#anchors.set(anchor, undefined)
    const sized = this.#value(node, at, depth)
    if (sized.size > maxNodes) throw new RangeError(tooManyAliases)
    if (anchor !== undefined) this.#anchors.set(anchor, sized)
    return sized
  }

  #value(node: unknown, offset: number, depth: number): Sized {
    const position = this.#at(offset)
    if (isScalar(node)) return { node: this.#scalar(node, position, offset), size: 1 }
    if (isMap(node)) return this.#map(node.items, position, depth)
    if (!isSeq(node)) return { node: nullAt(position), size: 1 }
    let size = 1
    const items = node.items.map((item) => {
      const sized = this.read(item, offset, depth + 1)
      size += sized.size
      return sized.node
    })
    return { node: { kind: 'list', items, position }, size }
  }

  #scalar(
    scalar: { value: unknown; source?: string; type?: string | null; tag?: string },
    position: Position,
    offset: number,
  ): ScalarNode {
    // The failsafe schema makes strings of all.
    const text = typeof scalar.value === 'string' ? scalar.value : ''
    if (scalar.tag !== undefined) {
      const value = resolveTagged(scalar.tag, text)
      if (value === undefined)
        this.report(
          offset,
          `cannot decode ${JSON.stringify(text)} as a ${scalar.tag.replace('tag:yaml.org,2002:', '!!')}`,
        )
      return { kind: 'scalar', value: value ?? null, position }
    }
    const isPlain = scalar.type === 'PLAIN' || scalar.type === undefined || scalar.type === null
    if (!isPlain) return { kind: 'scalar', value: text, position }
    const value = resolvePlain(text)
    const exact = exactNumber(text, value)
    return exact === undefined ? { kind: 'scalar', value, position } : { kind: 'scalar', value, position, exact }
  }

  #map(pairs: readonly Pair[], position: Position, depth: number): Sized {
    const entries = new Map<string, Entry>()
    const merged: MapNode[] = []
    let merge: Position | undefined
    let size = 1
    for (const pair of pairs) {
      const keyOffset = (pair.key as { range?: [number, number, number] } | null)?.range?.[0] ?? 0
      const key = this.read(pair.key, keyOffset, depth + 1).node
      const value = this.read(pair.value, keyOffset, depth + 1)
      size += value.size
      if (key.kind !== 'scalar') {
        this.report(keyOffset, 'a key must be a single word or a quoted text, not a map or a list')
      } else if (key.value === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        if (merge) this.report(keyOffset, `mapping key "<<" already defined at line ${merge.line}; keep one of them`)
        merge ??= key.position
        merged.push(...this.#merged(value.node, keyOffset))
      } else {
        const text = this.#keyText(pair.key, key)
        const first = entries.get(text)
        if (first)
          this.report(
            keyOffset,
            `mapping key ${JSON.stringify(text)} already defined at line ${first.key.line}; keep one of them`,
          )
        else entries.set(text, { key: key.position, value: value.node })
      }
    }
    for (const map of merged) for (const [key, entry] of map.entries) if (!entries.has(key)) entries.set(key, entry)
    return { node: { kind: 'map', entries, position }, size }
  }

  /** Keys keep the spelling of the file: `0123:` is the key `0123`. Go prints a null key so. */
  #keyText(key: unknown, node: ScalarNode): string {
    if (node.value === null) return '<nil>'
    return isScalar(key) ? String(key.value) : String(node.value)
  }

  #merged(node: Node, offset: number): readonly MapNode[] {
    const maps = node.kind === 'list' ? node.items : [node]
    if (maps.every((map) => map.kind === 'map')) return maps
    this.report(offset, 'map merge requires map or sequence of maps as the value')
    return []
  }

  #alias(name: string, offset: number): Sized {
    const target = this.#anchors.get(name)
    if (target) return target
    this.report(
      offset,
      this.#anchors.has(name) ? `anchor '${name}' value contains itself` : `unknown anchor '${name}' referenced`,
    )
    return { node: nullAt(this.#at(offset)), size: 1 }
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset)
    return { source: this.#source, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
}
