import type { Factory, Kind } from '../component.ts'
import type { Catalog, CatalogEntry } from '../config/config.ts'

/** A component of this build, loaded when a configuration names it. */
export function entry(
  kind: Kind,
  type: string,
  aliases: readonly string[],
  load: () => Promise<{ default: Factory }>,
): CatalogEntry {
  return { kind, type, aliases, module: `vigil/${kind}s/${type}`, load: async () => (await load()).default }
}

/** Throws when two entries of one kind answer to the same name. */
export function newCatalog(entries: readonly CatalogEntry[]): Catalog {
  const byName = new Map<string, CatalogEntry>()
  for (const one of entries) {
    for (const name of [one.type, ...one.aliases]) {
      const other = byName.get(nameOf(one.kind, name))
      if (other !== undefined && other !== one) {
        throw new Error(
          `${one.module} brings the ${one.kind} "${name}", which ${other.module} brings already: rename its type`,
        )
      }
      byName.set(nameOf(one.kind, name), one)
    }
  }
  return {
    entries: (kind) => entries.filter((one) => one.kind === kind),
    find: (kind, type) => byName.get(nameOf(kind, type)),
  }
}

/** Old and new spellings differ in underscores only: `k8sattributes`, `k8s_attributes`. */
function nameOf(kind: Kind, type: string): string {
  return `${kind}:${type.replaceAll('_', '')}`
}
