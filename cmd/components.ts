/** `components`: what this build has, in upstream's YAML. */
import type { Command } from 'commander'
import type { Factory, Kind, Stability } from '../pipeline/component.ts'
import type { Catalog, CatalogEntry } from '../pipeline/config/config.ts'
import { providerSchemes } from '../pipeline/config/providers.ts'
import type { CommandContext } from './command.ts'
import { goYaml } from './go-yaml.ts'

const kinds: readonly Kind[] = ['receiver', 'processor', 'exporter', 'connector', 'extension']

export function register(program: Command, context: CommandContext): void {
  program
    .command('components')
    .description('Outputs available components in this collector distribution')
    .option(
      '--plugin <file>',
      'a module that defines components of your own',
      (value, before: readonly string[]) => [...before, value],
      [],
    )
    .action(async ({ plugin }: { plugin: readonly string[] }) => {
      const catalog = await context.catalog(plugin)
      const { command, description, version } = context.build
      const sections = await Promise.all(kinds.map(async (kind) => [`${kind}s`, await list(kind, catalog)] as const))
      const providers = providerSchemes.map((scheme) => ({ scheme, module: 'vigil/pipeline/config' }))
      const all = { buildinfo: { command, description, version }, ...Object.fromEntries(sections), providers }
      context.stdout.write(goYaml(all, { areKeysSorted: false }))
    })
}

async function list(kind: Kind, catalog: Catalog): Promise<readonly object[]> {
  const sorted = catalog.entries(kind).toSorted((a, b) => (a.type < b.type ? -1 : 1))
  return Promise.all(sorted.map(async (entry) => describe(entry, await entry.load())))
}

function describe({ type, module }: CatalogEntry, factory: Factory): object {
  return { name: type, module, stability: Object.fromEntries(levels(factory)) }
}

/** Upstream names the three common signals always, and each pair of them for a connector. */
function levels({ kind, stability }: Factory): readonly (readonly [string, string])[] {
  const common = ['logs', 'metrics', 'traces']
  const always =
    kind === 'extension'
      ? ['extension']
      : kind === 'connector'
        ? common.flatMap((from) => common.map((to) => `${from} to ${to}`))
        : common
  const names = [...new Set([...always, ...Object.keys(stability)])]
  return names.map((name) => [name.replace(' to ', '-to-'), word(stability[name])])
}

function word(stability: Stability | undefined): string {
  return stability === undefined ? 'Undefined' : stability.slice(0, 1).toUpperCase() + stability.slice(1)
}
