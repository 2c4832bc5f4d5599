import { registerHooks } from 'node:module'
import { basename, isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Factory } from '../component.ts'
import type { CatalogEntry } from '../config/config.ts'

const engineModule = new URL('../plugin.ts', import.meta.url).href
let isHooked = false

/** `vigil/plugin` means the engine that runs, wherever the plugin's file lies: it needs no package and no `node_modules`. */
function hookResolution(): void {
  if (isHooked) return
  isHooked = true
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'vigil/plugin' ? { url: engineModule, shortCircuit: true } : next(specifier, context),
  })
}

/** Loads one file that exports a component, or a list of them, as default. Throws what is wrong with it and where. */
export async function loadPlugin(path: string, cwd = process.cwd()): Promise<readonly CatalogEntry[]> {
  hookResolution()
  const file = isAbsolute(path) ? path : resolve(cwd, path)
  let module: { default?: unknown }
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown }
  } catch (cause) {
    throw new Error(`plugin ${path} could not be loaded: ${describe(cause, file)}`, { cause })
  }
  const factories = Array.isArray(module.default) ? module.default : [module.default]
  return factories.map((factory: unknown) => {
    if (!isFactory(factory)) {
      throw new Error(
        `plugin ${path} has no component as its default export: write \`export default defineProcessor({ ... })\` (or defineReceiver, defineExporter, defineConnector, defineExtension)`,
      )
    }
    const { kind, type, aliases } = factory
    return { kind, type, aliases, module: file, load: () => Promise.resolve(factory) }
  })
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
