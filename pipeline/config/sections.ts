/** `receivers:`, `processors:`, `exporters:`, `connectors:` and `extensions:`: ids, types and bodies, used or not. */
import type { Factory, Kind } from '../component.ts'
import { errorMessage } from '../error-message.ts'
import { decodeComponent } from './component-config.ts'
import type { Catalog, ComponentConfig, ComponentId, Position } from './config.ts'
import { parseComponentId } from './ids.ts'
import { replacementFor } from './known-types.ts'
import type { Problems } from './problems.ts'
import { didYouMean } from './suggest.ts'
import { type Entry, isNull, kindName, type MapNode } from './tree.ts'

export interface Section<K extends Kind = Kind> {
  readonly components: ReadonlyMap<string, ComponentConfig<K>>
  /** Also of those that are not valid, so that a reference to one is not a second problem. */
  readonly ids: ReadonlyMap<string, Position>
}

interface Named {
  readonly id: ComponentId
  readonly entry: Entry
  readonly factory: Promise<Factory | undefined>
}

export async function decodeSection<K extends Kind>(
  kind: K,
  root: MapNode,
  catalog: Catalog,
  problems: Problems,
): Promise<Section<K>> {
  const name = `${kind}s`
  const node = root.entries.get(name)?.value
  const ids = new Map<string, Position>()
  const components = new Map<string, ComponentConfig<K>>()
  if (node === undefined || isNull(node)) return { components, ids }
  if (node.kind !== 'map') {
    const cure = `write one id a line, like \`${catalog.entries(kind)[0]?.type ?? kind}:\``
    problems.add([name], `expected a map or struct, got "${kindName(node)}"; ${cure}`, node.position)
    return { components, ids }
  }
  const named: Named[] = []
  for (const [text, entry] of node.entries) {
    const parsed = parseComponentId(text)
    if ('error' in parsed) {
      problems.add([name], `${parsed.error}; write \`type\` or \`type/name\``, entry.key)
    } else if (ids.has(parsed.id.text)) {
      const { text: id } = parsed.id
      problems.add(
        [name],
        `duplicate name "${id}" after unmarshaling ${id}; give one of them another name, like ${parsed.id.type}/2`,
        entry.key,
      )
    } else {
      ids.set(parsed.id.text, entry.key)
      named.push({ id: parsed.id, entry, factory: load(kind, parsed.id, entry, catalog, problems) })
    }
  }
  for (const { id, entry, factory } of named) {
    const loaded = (await factory) as Factory<K> | undefined
    const decoded = loaded && decodeComponent(id, loaded, name, entry, problems)
    if (decoded) components.set(id.text, decoded)
  }
  return { components, ids }
}

async function load(
  kind: Kind,
  id: ComponentId,
  { key }: Entry,
  catalog: Catalog,
  problems: Problems,
): Promise<Factory | undefined> {
  const section = `${kind}s`
  const entry = catalog.find(kind, id.type)
  if (entry === undefined) {
    problems.add([section], unknownType(kind, id, catalog), key)
    return undefined
  }
  if (id.type !== entry.type)
    problems.warn([section, id.text], `"${id.type}" alias is deprecated; use "${entry.type}" instead`, key)
  try {
    return await entry.load()
  } catch (error) {
    problems.add([section, id.text], `cannot load ${entry.module}: ${errorMessage(error)}`, key)
    return undefined
  }
}

function unknownType(kind: Kind, id: ComponentId, catalog: Catalog): string {
  if (kind === 'exporter' && id.type === 'logging')
    return 'the logging exporter has been deprecated, use the debug exporter instead'
  const types = catalog.entries(kind).flatMap(({ type, aliases }) => [type, ...aliases])
  const text = `unknown type: "${id.type}" for id: "${id.text}" (valid values: [${types.join(' ')}])`
  const hint = replacementFor(kind, id.type)
  if (hint !== undefined) return `${text}; ${hint}`
  const elsewhere = (['receiver', 'processor', 'exporter', 'connector', 'extension'] as const).find((other) =>
    catalog.find(other, id.type),
  )
  return (
    text +
    (didYouMean(id.type, types) ||
      (elsewhere ? `; "${id.type}" is a type of ${elsewhere}: move it to ${elsewhere}s` : ''))
  )
}
