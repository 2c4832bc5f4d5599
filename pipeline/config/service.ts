/** `service:`: pipelines, extensions and the engine's own telemetry, with upstream's checks of references. */
import type { ServiceTelemetry } from '../telemetry/settings.ts'
import { serviceTelemetry, telemetryKeys } from '../telemetry/telemetry-keys.ts'
import { coerceSection } from './coerce.ts'
import type { ComponentId, PipelineConfig, PipelineId, Position } from './config.ts'
import { effective, type Printing } from './effective.ts'
import type { FeatureGates } from './feature-gates.ts'
import { fieldSchema } from './field-schema.ts'
import { parseComponentId, parsePipelineId, signals } from './ids.ts'
import { parse } from './issues.ts'
import { pluginReferences } from './plugin-references.ts'
import type { Path, Problems } from './problems.ts'
import { didYouMean, suggest } from './suggest.ts'
import { type Entry, isNull, kindName, type MapNode, type Node, toPlain, typeName } from './tree.ts'

type Role = 'receiver' | 'processor' | 'exporter' | 'connector' | 'extension'
export interface Declared {
  /** All ids that the config has, valid or not. */
  readonly ids: Readonly<Record<Role, ReadonlyMap<string, Position>>>
  readonly gates: FeatureGates
}
export interface DecodedService {
  readonly telemetry: ServiceTelemetry
  printedTelemetry(printing: Printing): unknown
  readonly extensions: readonly ComponentId[]
  readonly pipelines: ReadonlyMap<string, PipelineConfig>
  readonly plugins: readonly string[]
}

const serviceKeys = ['telemetry', 'extensions', 'pipelines', 'plugins']
const pipelineKeys = ['receivers', 'processors', 'exporters']

export function decodeService(root: MapNode, declared: Declared, problems: Problems): DecodedService {
  const entry = root.entries.get('service')
  // Most likely it is there under a wrong name, which is a problem of its own.
  const isMisspelt = entry === undefined && suggest('service', root.entries.keys()) !== undefined
  const node = mapOrNothing(entry?.value, ['service'], 'service', problems)
  refuseUnknown(node, serviceKeys, ['service'], 'service', problems)
  const path = ['service', 'extensions']
  const extensions = references(node?.entries.get('extensions')?.value, path, 'service.extensions', problems)
  for (const { id, position } of extensions) checkReference('extension', id, position, path, declared, problems)
  return {
    ...telemetry(node?.entries.get('telemetry'), problems),
    extensions: unique(extensions).map(({ id }) => id),
    plugins: pluginReferences(root).map(({ specifier }) => specifier),
    pipelines: isMisspelt ? new Map() : pipelines(node?.entries.get('pipelines'), entry?.key, declared, problems),
  }
}

function telemetry(
  entry: Entry | undefined,
  problems: Problems,
): Pick<DecodedService, 'telemetry' | 'printedTelemetry'> {
  const path = ['service', 'telemetry']
  const schema = fieldSchema(telemetryKeys)
  const input = coerceSection(entry?.value, schema, path, 'service.telemetry', problems)
  const parsed = parse(telemetryKeys, input, { path, node: entry?.value, key: entry?.key }, problems)
  // Only a config that is not checked goes on without its own.
  const settings = serviceTelemetry(parsed?.output ?? telemetryKeys.parse({}))
  return { telemetry: settings, printedTelemetry: (printing) => effective(input, schema, printing) }
}

function pipelines(
  entry: Entry | undefined,
  service: Position | undefined,
  declared: Declared,
  problems: Problems,
): ReadonlyMap<string, PipelineConfig> {
  const path = ['service', 'pipelines']
  const found = new Map<string, PipelineConfig>()
  const node = entry?.value
  if (node && node.kind !== 'map' && !isNull(node)) {
    const message = `'service.pipelines' expected type 'pipelines.Config', got unconvertible type '${typeName(node)}'; write one pipeline a line, like \`traces:\``
    problems.add(path, message, node.position)
    return found
  }
  const all = node?.kind === 'map' ? [...node.entries] : []
  if (all.length === 0 && !declared.gates.isEnabled('service.AllowNoPipelines')) {
    problems.check(
      path,
      'service must have at least one pipeline; write one, like traces: {receivers: [otlp], exporters: [debug]}',
      entry?.key ?? service,
    )
  }
  for (const [text, pipeline] of all) {
    const parsed = parsePipelineId(text)
    if ('error' in parsed) {
      const near = didYouMean(text.split('/')[0] ?? '', signals)
      problems.add(
        path,
        `'service.pipelines' ${parsed.error}${near || `; use one of: ${signals.join(', ')}`}`,
        pipeline.key,
      )
    } else if (found.has(parsed.id.text)) {
      problems.add(path, `duplicate name "${parsed.id.text}" after unmarshaling ${parsed.id.text}`, pipeline.key)
    } else {
      found.set(parsed.id.text, decodePipeline(parsed.id, pipeline, declared, problems))
    }
  }
  return found
}

function decodePipeline(id: PipelineId, { key, value }: Entry, declared: Declared, problems: Problems): PipelineConfig {
  const path = ['service', 'pipelines', id.text]
  const inside = `service.pipelines[${id.text}]`
  if (id.signal === 'profiles' && !declared.gates.isEnabled('service.profilesSupport')) {
    const gate = 'profiling signal support is at alpha level, gated under the "service.profilesSupport" feature gate'
    problems.check(
      path.slice(0, 2),
      `pipeline "${id.text}": ${gate}; start with --feature-gates=service.profilesSupport`,
      key,
    )
  }
  const node = mapOrNothing(value, path, inside, problems)
  refuseUnknown(node, pipelineKeys, path, inside, problems)
  const positions = new Map<string, Position>([['', key]])
  const lists = (['receiver', 'processor', 'exporter'] as const).map((role) => {
    const list = node?.entries.get(`${role}s`)
    const before = problems.count
    const all = references(list?.value, [...path, `${role}s`], `${inside}.${role}s`, problems)
    if (all.length === 0 && role !== 'processor' && problems.count === before)
      problems.check(path, `must have at least one ${role}`, list?.key ?? key)
    for (const { id: reference, position } of all) checkReference(role, reference, position, path, declared, problems)
    const kept = unique(all)
    if (role === 'processor') {
      for (const twice of all.filter((one) => !kept.includes(one)))
        problems.check(path, `references processor "${twice.id.text}" multiple times`, twice.position)
    }
    for (const [i, { position }] of kept.entries()) positions.set(`${role}s::${i}`, position)
    return kept.map((one) => one.id)
  })
  const [receivers = [], processors = [], exporters = []] = lists
  return { id, receivers, processors, exporters, positions }
}

interface Reference {
  readonly id: ComponentId
  readonly position: Position
}

function references(node: Node | undefined, path: Path, inside: string, problems: Problems): readonly Reference[] {
  if (node === undefined || isNull(node)) return []
  if (node.kind !== 'list') {
    const list = node.kind === 'scalar' ? String(toPlain(node)) : [...node.entries.keys()].join(', ')
    problems.add(
      path,
      `'${inside}' source data must be an array or slice, got ${kindName(node)}; write a list: [${list}]`,
      node.position,
    )
    return []
  }
  return node.items.flatMap((item, i) => {
    const { position } = item
    if (isNull(item)) return [{ id: { type: '', name: '', text: '' }, position }]
    if (item.kind !== 'scalar' || typeof item.value !== 'string') {
      problems.add(
        [...path, i],
        `'${inside}[${i}]' expected a map or struct, got "${kindName(item)}"; write the id of a component`,
        position,
      )
      return []
    }
    const parsed = parseComponentId(item.value)
    if ('id' in parsed) return [{ id: parsed.id, position }]
    problems.add([...path, i], `'${inside}[${i}]' ${parsed.error}; write \`type\` or \`type/name\``, position)
    return []
  })
}

function checkReference(
  role: Role,
  id: ComponentId,
  position: Position,
  path: Path,
  { ids }: Declared,
  problems: Problems,
): void {
  const isConnector = (role === 'receiver' || role === 'exporter') && ids.connector.has(id.text)
  if (ids[role].has(id.text) || isConnector) return
  const known = [...ids[role].keys(), ...(role === 'receiver' || role === 'exporter' ? ids.connector.keys() : [])]
  const elsewhere = (Object.keys(ids) as Role[]).find((other) => ids[other].has(id.text))
  const cure = elsewhere
    ? `; "${id.text}" is configured under ${elsewhere}s`
    : didYouMean(id.text, known) ||
      `; add it under ${role}s${known.length > 0 ? `, or use one of: ${known.join(', ')}` : ''}`
  problems.check(path, `references ${role} "${id.text}" which is not configured${cure}`, position)
}

function mapOrNothing(node: Node | undefined, path: Path, inside: string, problems: Problems): MapNode | undefined {
  if (node === undefined || isNull(node)) return undefined
  if (node.kind === 'map') return node
  problems.add(
    path,
    `'${inside}' expected a map or struct, got "${kindName(node)}"; write its keys below it`,
    node.position,
  )
  return undefined
}

function refuseUnknown(
  node: MapNode | undefined,
  known: readonly string[],
  path: Path,
  inside: string,
  problems: Problems,
): void {
  for (const [name, { key }] of node?.entries ?? []) {
    if (known.includes(name)) continue
    problems.add(
      path,
      `'${inside}' has invalid keys: ${name}${didYouMean(name, known) || `; known keys: ${known.join(', ')}`}`,
      key,
    )
  }
}

function unique(all: readonly Reference[]): readonly Reference[] {
  return all.filter((one, i) => all.findIndex((other) => other.id.text === one.id.text) === i)
}
