/** Configurations of single components: of the corpus, and of upstream's own tests where the Go module cache has them. */
import { execFile } from 'node:child_process'
import { glob, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Document, isMap, isScalar, type Node, parse, parseAllDocuments, parseDocument, type YAMLMap } from 'yaml'
import { sharedPath } from '../../pipeline/testing/shared-files.ts'
import { plain } from './abilities.ts'
import { findConfig, type Section, sections } from './corpus.ts'

export interface ComponentConfig {
  readonly name: string
  readonly section: Section
  /** Without underscores. */
  readonly type: string
  /** `filter/empty` */
  readonly id: string
  /** YAML of the section with this one instance: `filter/empty: {...}`. */
  readonly yaml: string
  readonly body: unknown
}

/** Modules of components whose names differ from the rest of their path: `processor/filterprocessor`. */
const modulePattern =
  /\/(processor|connector|exporter|receiver|extension)\/(\w+?)(processor|connector|exporter|receiver|extension)$/

/** Undefined where the checkout has no corpus beside it. */
export async function readComponentCorpus(): Promise<{ folder: string; configs: ComponentConfig[] | undefined }> {
  const folder = sharedPath('corpus/component_configs')
  const folders = (await readdir(folder).catch(() => undefined))?.sort()
  if (folders === undefined) return { folder, configs: undefined }
  const read = folders.map(async (name) => {
    const [kind = '', ...rest] = name.split('_')
    const files = (await readdir(join(folder, name))).filter((file) => /\.ya?ml$/.test(file)).sort()
    const section = `${kind}s` as Section
    const configs = files.map((file) =>
      readInstances(join(folder, name, file), `${name}/${file}`, section, rest.join('_')),
    )
    return (await Promise.all(configs)).flat()
  })
  return { folder, configs: (await Promise.all(read)).flat() }
}

/** The `testdata` of the modules that a builder's configuration names. */
export async function readUpstreamTestdata(manifestFile: string): Promise<ComponentConfig[]> {
  const cache = await promisify(execFile)('go', ['env', 'GOMODCACHE']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  )
  if (cache === undefined) return []
  const manifest = parse(await readFile(manifestFile, 'utf8')) as Record<string, unknown>
  const modules = Object.values(manifest)
    .filter((section): section is { gomod: string }[] => Array.isArray(section))
    .flatMap((section) => section.map(({ gomod }) => gomod))
  const read = modules.map(async (gomod) => {
    const [path = '', version = ''] = gomod.split(' ')
    const [, kind, type] = modulePattern.exec(path) ?? []
    if (kind === undefined || type === undefined) return []
    const folder = join(cache, `${path}@${version}`)
    const files: string[] = []
    for await (const file of glob('**/testdata/**/*.{yaml,yml}', { cwd: folder })) files.push(file)
    const instances = files
      .sort()
      .map((file) =>
        readInstances(join(folder, file), `${type}@${version}/${file}`, `${kind}s` as Section, type, false),
      )
    return (await Promise.all(instances)).flat()
  })
  return (await Promise.all(read)).flat()
}

/** `mayBeBody`: a document that names no instance may be the body of one. `spelled`: the type, perhaps with underscores. */
async function readInstances(
  file: string,
  name: string,
  section: Section,
  spelled: string,
  mayBeBody = true,
): Promise<ComponentConfig[]> {
  const type = plain(spelled)
  const documents = parseAllDocuments(await readFile(file, 'utf8'), { logLevel: 'silent' })
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return []
  return documents.flatMap((document) => {
    const root = wholeOf(document)
    if (root === undefined) return []
    const named = instancesIn(root, type)
    const within = root.get(section, true)
    const found = named.length > 0 ? named : isMap(within) ? instancesIn(within, type) : []
    const isWhole = sections.some((one) => root.has(one)) || root.has('apiVersion')
    const bodies: [string, Node | null][] = found.length === 0 && mayBeBody && !isWhole ? [[spelled, root]] : found
    return bodies.map(([id, body]): ComponentConfig => {
      const yaml = new Document({ [id]: null })
      ;(yaml.contents as unknown as YAMLMap).set(id, body)
      return { name: `${name} ${id}`, section, type, id, yaml: textOf(yaml), body: parse(textOf(yaml))[id] }
    })
  })
}

/** The Collector's configuration inside a ConfigMap, or the document itself. */
function wholeOf(document: Document.Parsed): YAMLMap | undefined {
  if (!isMap(document.contents)) return undefined
  if (!document.contents.has('apiVersion')) return document.contents as YAMLMap
  const found = findConfig(document.toJS())
  const inner = typeof found === 'string' ? parseDocument(found, { logLevel: 'silent' }) : new Document(found)
  return isMap(inner.contents) ? (inner.contents as YAMLMap) : undefined
}

function instancesIn(map: YAMLMap, type: string): [string, Node | null][] {
  return map.items.flatMap(({ key, value }): [string, Node | null][] => {
    const id = isScalar(key) ? String(key.value) : ''
    return plain(id.split('/')[0] ?? '') === type ? [[id, value as Node | null]] : []
  })
}

/** As it was written: 1.0 stays 1.0. */
function textOf(yaml: Document): string {
  return yaml.toString({ lineWidth: 0 })
}
