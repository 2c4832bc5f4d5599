/** Real configurations: reads them, finds the Collector's part in what Kubernetes and Helm wrap around it, and cuts them down to what both know. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { sharedPath } from '../../pipeline/testing/shared-files.ts'

export const sections = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const
export type Section = (typeof sections)[number]
export type KnownTypes = Readonly<Record<Section, ReadonlySet<string>>>
/** `exporters/debug` */
export type TypeName = `${Section}/${string}`

export interface CorpusConfig {
  readonly name: string
  readonly text: string
  /** Empty where the text is no YAML. */
  readonly types: readonly TypeName[]
  readonly value: Readonly<Record<string, unknown>> | undefined
}

/** The folder of real configurations, or undefined where the checkout has none beside it. */
export async function readCorpus(): Promise<{ folder: string; configs: CorpusConfig[] | undefined }> {
  const folder = sharedPath('corpus/configs')
  const files = await readdir(folder).catch(() => undefined)
  const yamls = files?.filter((file) => file.endsWith('.yaml')).sort()
  if (!yamls) return { folder, configs: undefined }
  return { folder, configs: await Promise.all(yamls.map((file) => readConfig(folder, file))) }
}

async function readConfig(folder: string, file: string): Promise<CorpusConfig> {
  const name = file.replace(/\.yaml$/, '')
  const whole = await readFile(join(folder, file), 'utf8')
  const root = tryParse(whole)
  const wrapped = isConfig(root) ? undefined : findConfig(root)
  const text = wrapped === undefined ? whole : typeof wrapped === 'string' ? wrapped : stringify(wrapped)
  const value = tryParse(text)
  return { name, text, types: isMap(value) ? typesOf(value) : [], value: isMap(value) ? value : undefined }
}

function tryParse(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent', merge: true })
  } catch {
    return undefined
  }
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isConfig(value: unknown): boolean {
  return isMap(value) && isMap(value['service']) && 'pipelines' in value['service']
}

/** A Collector's configuration inside a ConfigMap, a custom resource or Helm values: a map, or a string of YAML. */
export function findConfig(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('pipelines:') && isConfig(tryParse(value)) ? value : undefined
  if (isConfig(value)) return value
  if (typeof value !== 'object' || value === null) return undefined
  for (const child of Object.values(value)) {
    const found = findConfig(child)
    if (found !== undefined) return found
  }
  return undefined
}

function typesOf(config: Record<string, unknown>): TypeName[] {
  const used = sections.flatMap((section) => {
    const body = config[section]
    return isMap(body) ? Object.keys(body).map((id): TypeName => `${section}/${typeOf(id)}`) : []
  })
  return [...new Set(used)]
}

function typeOf(id: unknown): string {
  return String(id).split('/')[0]?.trim() ?? ''
}

export function isKnown(type: TypeName, known: KnownTypes): boolean {
  const [section, name] = type.split('/') as [Section, string]
  return known[section].has(name)
}

/** The same configuration with only the types in `known`; what a pipeline loses by that is replaced by `nop`. */
export function reduce(config: Readonly<Record<string, unknown>>, known: KnownTypes): string {
  const reduced: Record<string, unknown> = { ...config }
  for (const section of sections) {
    const body = config[section]
    if (isMap(body))
      reduced[section] = Object.fromEntries(Object.entries(body).filter(([id]) => known[section].has(typeOf(id))))
  }
  for (const section of ['receivers', 'exporters'] as const)
    reduced[section] = { ...(reduced[section] as object), nop: null }
  const service = isMap(config['service']) ? config['service'] : {}
  const pipelines = isMap(service['pipelines']) ? service['pipelines'] : {}
  reduced['service'] = {
    ...service,
    ...(Array.isArray(service['extensions'])
      ? { extensions: service['extensions'].filter((id) => known.extensions.has(typeOf(id))) }
      : {}),
    pipelines: Object.fromEntries(
      Object.entries(pipelines).map(([id, body]) => [id, isMap(body) ? reducePipeline(body, known) : body]),
    ),
  }
  return stringify(reduced)
}

function reducePipeline(pipeline: Record<string, unknown>, known: KnownTypes): Record<string, unknown> {
  const keep = (ids: unknown, ...from: Section[]): unknown[] =>
    Array.isArray(ids) ? ids.filter((id) => from.some((section) => known[section].has(typeOf(id)))) : []
  const orNop = (ids: unknown[]) => (ids.length > 0 ? ids : ['nop'])
  return {
    ...pipeline,
    receivers: orNop(keep(pipeline['receivers'], 'receivers', 'connectors')),
    processors: keep(pipeline['processors'], 'processors'),
    exporters: orNop(keep(pipeline['exporters'], 'exporters', 'connectors')),
  }
}
