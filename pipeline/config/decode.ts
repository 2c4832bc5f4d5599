/** A tree to the checked configuration. Throws `ConfigError` with everything that is wrong, each at its place. */
import type { Catalog, Config } from './config.ts'
import { type FeatureGates, parseFeatureGates } from './feature-gates.ts'
import { inFileOrder, Problems } from './problems.ts'
import { decodeSection } from './sections.ts'
import { decodeService } from './service.ts'
import { didYouMean } from './suggest.ts'
import { type ConfigTree, isNull, type MapNode } from './tree.ts'

const componentSections = ['receivers', 'processors', 'exporters', 'connectors', 'extensions']
const topLevel = [...componentSections, 'service']

export interface DecodeOptions {
  readonly gates?: FeatureGates
  /** False lets pass what decodes and is only wrong in meaning, for `print-config --validate=false`; such a config must not be run. */
  readonly isChecked?: boolean
}

export async function decodeConfig(
  { root, files, warnings }: ConfigTree,
  catalog: Catalog,
  options: DecodeOptions = {},
): Promise<Config> {
  const gates = options.gates ?? parseFeatureGates([])
  const problems = new Problems({ isChecked: options.isChecked ?? true })
  refuseUnknownSections(root, problems)
  const [receivers, processors, exporters, connectors, extensions] = await Promise.all([
    decodeSection('receiver', root, catalog, problems),
    decodeSection('processor', root, catalog, problems),
    decodeSection('exporter', root, catalog, problems),
    decodeSection('connector', root, catalog, problems),
    decodeSection('extension', root, catalog, problems),
  ])
  const ids = {
    receiver: receivers.ids,
    processor: processors.ids,
    exporter: exporters.ids,
    connector: connectors.ids,
    extension: extensions.ids,
  }
  refuseEmpty(root, gates, problems)
  for (const [id, position] of connectors.ids) {
    for (const kind of ['exporter', 'receiver'] as const)
      if (ids[kind].has(id)) problems.check(['connectors', id], ambiguous(id, kind), position)
  }
  const service = decodeService(root, { ids, gates }, problems)
  problems.throwIfAny()
  return {
    receivers: receivers.components,
    processors: processors.components,
    exporters: exporters.components,
    connectors: connectors.components,
    extensions: extensions.components,
    service,
    files,
    tree: { root, files, warnings },
    featureGates: gates.all(),
    warnings: [...warnings, ...inFileOrder(problems.warnings)],
  }
}

function refuseUnknownSections(root: MapNode, problems: Problems): void {
  for (const [name, { key }] of root.entries) {
    if (!topLevel.includes(name))
      problems.add(
        [],
        `'' has invalid keys: ${name}${didYouMean(name, topLevel) || `; known keys: ${topLevel.join(', ')}`}`,
        key,
      )
  }
}

function refuseEmpty(root: MapNode, gates: FeatureGates, problems: Problems): void {
  const { entries, position } = root
  // An unknown section may be one of these, misspelt.
  if ([...entries.keys()].some((name) => !topLevel.includes(name))) return
  const isEmpty = (name: string) => {
    const node = entries.get(name)?.value
    return node === undefined || isNull(node) || (node.kind === 'map' && node.entries.size === 0)
  }
  if (componentSections.every(isEmpty)) {
    problems.check([], 'empty configuration file; it needs receivers, exporters and service', position)
    return
  }
  if (gates.isEnabled('service.AllowNoPipelines')) return
  if (isEmpty('receivers'))
    problems.check(
      [],
      'no receiver configuration specified in config; add receivers: {otlp: {protocols: {grpc: }}}',
      position,
    )
  if (isEmpty('exporters'))
    problems.check([], 'no exporter configuration specified in config; add exporters: {debug: }', position)
}

function ambiguous(id: string, kind: 'exporter' | 'receiver'): string {
  return `ambiguous ID: Found both "${id}" ${kind} and "${id}" connector. Change one of the components' IDs to eliminate ambiguity (e.g. rename "${id}" connector to "${id}/connector")`
}
