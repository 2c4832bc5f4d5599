/** What a plugin's imports mean, wherever its file lies: it needs no package and no `node_modules` for the engine. */
import { registerHooks } from 'node:module'

const engineModules: ReadonlyMap<string, string> = new Map([
  ['vigil/plugin', new URL('../plugin.ts', import.meta.url).href],
  ['vigil/testing', new URL('../testing/plugin.ts', import.meta.url).href],
])
/** Before the name of a package that is to be found from another place than this file. */
const fromScheme = 'vigil-from:'
let isHooked = false

/** `vigil/plugin` and `vigil/testing` mean the engine that runs. */
export function hookModules(): void {
  if (isHooked) return
  isHooked = true
  registerHooks({
    resolve(specifier, context, next) {
      const url = engineModules.get(specifier)
      if (url !== undefined) return { url, shortCircuit: true }
      if (!specifier.startsWith(fromScheme)) return next(specifier, context)
      const [name, parentURL] = JSON.parse(specifier.slice(fromScheme.length)) as [string, string]
      return next(name, { ...context, parentURL })
    },
  })
}

/** A specifier for `import()` that finds the package as a file at `parentUrl` would. */
export function packageFrom(name: string, parentUrl: string): string {
  return `${fromScheme}${JSON.stringify([name, parentUrl])}`
}
