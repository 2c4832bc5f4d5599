/** How several sources become one configuration: maps are joined, later wins, lists and scalars are replaced, an explicit null replaces too. */
import type { Entry, ListNode, MapNode, Node } from './tree.ts'

export interface MergeOptions {
  /** Feature gate `confmap.enableMergeAppendOption`: lists of components are joined. */
  readonly appendLists: boolean
}

export function merge(base: MapNode, over: MapNode, options: MergeOptions): MapNode {
  return mergeMaps(base, over, [], options)
}

function mergeMaps(base: MapNode, over: MapNode, path: readonly string[], options: MergeOptions): MapNode {
  const entries = new Map(base.entries)
  for (const [key, entry] of over.entries) {
    const before = entries.get(key)
    const value = before ? mergeNodes(before.value, entry.value, [...path, key], options) : entry.value
    entries.set(key, { key: entry.key, value })
  }
  return { kind: 'map', entries, position: over.entries.size > 0 ? over.position : base.position }
}

function mergeNodes(base: Node, over: Node, path: readonly string[], options: MergeOptions): Node {
  if (base.kind === 'map' && over.kind === 'map') return mergeMaps(base, over, path, options)
  if (options.appendLists && base.kind === 'list' && over.kind === 'list' && isComponentList(path))
    return append(base, over)
  return over
}

/** `service::extensions`, `service::**::receivers`, `service::**::exporters`. */
function isComponentList(path: readonly string[]): boolean {
  const last = path.at(-1)
  if (path[0] !== 'service') return false
  return last === 'receivers' || last === 'exporters' || (last === 'extensions' && path.length === 2)
}

function append(base: ListNode, over: ListNode): ListNode {
  const seen = new Set(base.items.map(identity))
  return { ...over, items: [...base.items, ...over.items.filter((item) => !seen.has(identity(item)))] }
}
function identity(node: Node): unknown {
  return node.kind === 'scalar' ? node.value : node
}

/** Writes `a::b: v` as `a: { b: v }`, at any depth of maps. */
export function splitKeys(map: MapNode): MapNode {
  let result: MapNode = { kind: 'map', entries: new Map(), position: map.position }
  let needsMerge = false
  const plain = new Map<string, Entry>()
  for (const [key, entry] of map.entries) {
    const value = entry.value.kind === 'map' ? splitKeys(entry.value) : entry.value
    if (key.includes('::')) needsMerge = true
    else plain.set(key, value === entry.value ? entry : { key: entry.key, value })
  }
  result = { ...result, entries: plain }
  if (!needsMerge) return result
  for (const [key, entry] of map.entries) {
    if (!key.includes('::')) continue
    const value = entry.value.kind === 'map' ? splitKeys(entry.value) : entry.value
    result = mergeMaps(result, nest(key.split('::'), { key: entry.key, value }), [], { appendLists: false })
  }
  return result
}

function nest(keys: readonly string[], leaf: Entry): MapNode {
  const [first = '', ...rest] = keys
  const entry = rest.length === 0 ? leaf : { key: leaf.key, value: nest(rest, leaf) }
  return { kind: 'map', entries: new Map([[first, entry]]), position: leaf.key }
}
