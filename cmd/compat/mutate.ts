/** Breaks a valid configuration in one place at a time, and knows where that place is. */
import { isAlias, isMap, isPair, isScalar, isSeq, type Node, type Pair, parseDocument, type Scalar, visit } from 'yaml'
import type { Place } from './verdict.ts'

export type MutationKind =
  | 'typo'
  | 'wrong type'
  | 'negative number'
  | 'empty string'
  | 'bad duration'
  | 'dangling reference'
  | 'unknown type'
  | 'bad id'
  | 'duplicate key'
  | 'null body'
  | 'list for map'
  | 'removed section'

export interface Mutation {
  readonly kind: MutationKind
  /** `processors.batch.timeout`: without the names of components and pipelines, so that equal mistakes are made once. */
  readonly path: string
  readonly text: string
  /** Where the mistake stands, in `text`: its key or its value. Empty where something is gone. */
  readonly places: readonly Place[]
}

interface Edit {
  readonly kind: MutationKind
  /** Offsets in the old text of what `put` replaces. */
  readonly from: number
  readonly to: number
  readonly put: string
  /** Offsets in the new text. */
  readonly at: readonly number[]
}

export function mutate(text: string): Mutation[] {
  const document = parseDocument(text, { merge: true, logLevel: 'silent' })
  const mutations: Mutation[] = []
  visit(document, {
    Pair(_, pair, ancestors) {
      const path = pathOf([...ancestors, pair])
      if (!isScalar(pair.key) || !pair.key.range || path.includes('<<')) return
      for (const edit of editsOfPair(text, pair as Pair<Scalar, Node | null>, path))
        mutations.push(apply(text, edit, path))
    },
    Scalar(key, scalar, ancestors) {
      if (key === 'key' || !isSeq(ancestors.at(-1))) return
      const path = pathOf(ancestors)
      for (const edit of editsOfItem(scalar, path)) mutations.push(apply(text, edit, [...path, '[]']))
    },
  })
  return mutations
}

const componentSections = new Set(['receivers', 'processors', 'exporters', 'connectors', 'extensions'])

function editsOfPair(text: string, pair: Pair<Scalar, Node | null>, path: readonly string[]): Edit[] {
  const { key, value } = pair
  const [start, end] = key.range ?? [0, 0]
  const source = text.slice(start, end)
  const isId = path.length === 2 && componentSections.has(path[0] ?? '')
  const isPipeline = path.length === 3 && path[1] === 'pipelines'
  const edits: Edit[] = []
  const rename = (kind: MutationKind, put: string) => edits.push({ kind, from: start, to: end, put, at: [start] })
  if (isId || isPipeline) rename('bad id', `${String(key.value).split('/')[0]}/`)
  if (isId) rename('unknown type', ['nosuch', ...String(key.value).split('/').slice(1)].join('/'))
  else rename('typo', source.length > 3 ? source.slice(0, 2) + source.slice(3) : `${source}x`)
  // A copy before the pair: a parser meets the original second, and that one is the duplicate.
  const copy = isInFlow(text, start) ? `${source}: ~, ` : `${source}: ~\n${indentAt(text, start)}`
  edits.push({ kind: 'duplicate key', from: start, to: start, put: copy, at: [start + copy.length, start] })
  if (path.length === 1) edits.push({ kind: 'removed section', from: start, to: endOf(value, end), put: '', at: [] })
  if (!value?.range || isAlias(value) || value.tag || 'anchor' in value) return edits
  const ofValue = editsOfValue(text, value, start)
  // What an empty section lacks is missed elsewhere.
  return [
    ...edits,
    ...(path.length === 1 ? ofValue.map((edit) => (edit.kind === 'null body' ? { ...edit, at: [] } : edit)) : ofValue),
  ]
}

function editsOfValue(text: string, value: Node, key: number): Edit[] {
  const [from, to] = [value.range?.[0] ?? 0, value.range?.[1] ?? 0]
  const source = text.slice(from, to)
  const newline = source.endsWith('\n') ? '\n' : ''
  const replace = (kind: MutationKind, put: string): Edit => ({ kind, from, to, put: put + newline, at: [from, key] })
  if (source.startsWith('|') || source.startsWith('>')) return []
  if (isMap(value)) {
    // Where a list is allowed too, its item is what is wrong.
    const list = { ...replace('list for map', '[a]'), at: [from, key, from + 1] }
    return [replace('null body', '~'), list, replace('wrong type', 'text')]
  }
  if (isSeq(value)) return [replace('null body', '~'), replace('wrong type', '{a: b}')]
  if (!isScalar(value) || value.value === null || source === '') return []
  return editsOfScalar(value).map(([kind, put]) => replace(kind, put))
}

function editsOfScalar({ value }: Scalar): [MutationKind, string][] {
  if (typeof value === 'number')
    return [
      ['wrong type', '"ten"'],
      ['negative number', '-1'],
    ]
  if (typeof value === 'boolean') return [['wrong type', '"perhaps"']]
  const isDuration = /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(String(value))
  if (isDuration)
    return [
      ['bad duration', '5 parsecs'],
      ['bad duration', '10d'],
      ['wrong type', '[5s]'],
      ['negative number', '-3s'],
    ]
  return [
    ['wrong type', '{a: b}'],
    ['wrong type', '[7]'],
    ['empty string', '""'],
  ]
}

/** Of an item in a list: a reference to a component, or any other. */
function editsOfItem(item: Scalar, path: readonly string[]): Edit[] {
  const [from, to] = [item.range?.[0] ?? 0, item.range?.[1] ?? 0]
  const replace = (kind: MutationKind, put: string): Edit => ({ kind, from, to, put, at: [from] })
  const isReference =
    path[0] === 'service' && (path[1] === 'extensions' || (path[1] === 'pipelines' && path.length === 4))
  if (!isReference) return [replace('wrong type', '{a: b}')]
  return [replace('dangling reference', `${String(item.value)}/nowhere`), replace('bad id', `${String(item.value)}/`)]
}

function apply(text: string, { kind, from, to, put, at }: Edit, path: readonly string[]): Mutation {
  const mutated = text.slice(0, from) + put + text.slice(to)
  return { kind, path: general(path), text: mutated, places: at.map((offset) => placeOf(mutated, offset)) }
}

function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}

function pathOf(ancestors: readonly unknown[]): string[] {
  return ancestors.flatMap((node) =>
    isPair(node) && isScalar(node.key) ? [String(node.key.value)] : isSeq(node) ? [] : [],
  )
}

function general(path: readonly string[]): string {
  return path.map((part, index) => (index === 1 || index === 2 ? (part.split('/')[0] ?? part) : part)).join('.')
}

function endOf(value: Node | null, keyEnd: number): number {
  return value?.range?.[2] ?? keyEnd + 1
}

function indentAt(text: string, offset: number): string {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  return ' '.repeat(offset - lineStart)
}

function isInFlow(text: string, offset: number): boolean {
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset)
  return /[{,]\s*$/.test(before)
}
