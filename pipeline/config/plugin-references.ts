/** `service::plugins`: modules that bring components. Read before anything else is decoded, since they say which components there are. */
import { ConfigError, type ConfigProblem, type Position } from './config.ts'
import { isNull, type MapNode, type Node, typeName } from './tree.ts'

export interface PluginReference {
  /** A file, relative to the configuration that names it, or a package `vigil-plugin-...`. */
  readonly specifier: string
  readonly position: Position
}

const path = 'service::plugins'

/** Throws `ConfigError` when it is no list of texts. */
export function pluginReferences(root: MapNode): readonly PluginReference[] {
  const service = root.entries.get('service')?.value
  // What is wrong with `service` itself is said when it is decoded.
  const node = service?.kind === 'map' ? service.entries.get('plugins')?.value : undefined
  if (node === undefined || isNull(node)) return []
  if (node.kind !== 'list') {
    const message = `expected a list of files and packages, got ${typeName(node)}; write a list: [./my-plugin.ts, vigil-plugin-foo]`
    throw new ConfigError([{ path, message, position: node.position }])
  }
  const problems: ConfigProblem[] = []
  const found = node.items.flatMap((item, i) => {
    const specifier = textOf(item)
    if (specifier !== undefined) return [{ specifier, position: item.position }]
    const message = `expected a file or a package, got ${typeName(item)}; write a text, like ./my-plugin.ts`
    problems.push({ path: `${path}::${i}`, message, position: item.position })
    return []
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return found
}

function textOf(node: Node): string | undefined {
  return node.kind === 'scalar' && typeof node.value === 'string' && node.value !== '' ? node.value : undefined
}
