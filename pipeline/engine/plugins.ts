import { basename, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Factory } from '../component.ts'
import type { CatalogEntry } from '../config/config.ts'
import { hookModules, packageFrom } from './module-hook.ts'

const packageName = /^(?:@[^/]+\/)?vigil-plugin-[^/]+$/
const sourceFile = /\.[cm]?[jt]s$/

/**
 * Loads a file or a package `vigil-plugin-...` that exports a component, or a list of them, as default. The file is relative to `folder`;
 * the package is looked for in its `node_modules` and those above. Throws what is wrong with it and where.
 */
export async function loadPlugin(specifier: string, folder = process.cwd()): Promise<readonly CatalogEntry[]> {
  hookModules()
  const isPackage = packageName.test(specifier) && !sourceFile.test(specifier)
  const file = isAbsolute(specifier) ? specifier : resolve(folder, specifier)
  const url = isPackage ? packageFrom(specifier, pathToFileURL(join(folder, 'plugins')).href) : pathToFileURL(file).href
  let module: { default?: unknown }
  try {
    module = (await import(url)) as { default?: unknown }
  } catch (cause) {
    const why = isPackage ? describePackage(cause, specifier, folder) : describe(cause, file)
    throw new Error(`plugin ${specifier} could not be loaded: ${why}`, { cause })
  }
  const factories = Array.isArray(module.default) ? module.default : [module.default]
  return factories.map((factory: unknown) => {
    if (!isFactory(factory)) {
      throw new Error(
        `plugin ${specifier} has no component as its default export: write \`export default defineProcessor({ ... })\` (or defineReceiver, defineExporter, defineConnector, defineExtension)`,
      )
    }
    return entryOf(factory, isPackage ? specifier : file)
  })
}

/** One entry a factory, so that a plugin that is named twice is one and not two that clash. */
const entries = new WeakMap<Factory, CatalogEntry>()
function entryOf(factory: Factory, module: string): CatalogEntry {
  const known = entries.get(factory)
  if (known !== undefined) return known
  const { kind, type, aliases } = factory
  const entry: CatalogEntry = { kind, type, aliases, module, load: () => Promise.resolve(factory) }
  entries.set(factory, entry)
  return entry
}

function isFactory(value: unknown): value is Factory {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    'type' in value &&
    'create' in value &&
    typeof value.type === 'string' &&
    typeof value.create === 'function'
  )
}

/** With the line, where the error knows one: a plugin's author needs nothing more. */
function describe(error: unknown, file: string): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'${file}'`))
    return 'there is no such file'
  const place = new RegExp(`${RegExp.escape(basename(file))}:(\\d+)(?::(\\d+))?`).exec(error.stack ?? '')
  return place === null
    ? error.message
    : `line ${place[1]}${place[2] === undefined ? '' : `:${place[2]}`}: ${error.message}`
}

function describePackage(error: unknown, name: string, folder: string): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? error.code : ''
  if (code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'${name}'`)) {
    return `it is in no node_modules of ${folder} or above: run \`npm install ${name}\` there`
  }
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    return 'it has TypeScript files, which Node does not read under node_modules: a package must hold JavaScript'
  }
  return error.message
}
