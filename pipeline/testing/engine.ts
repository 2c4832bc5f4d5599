import type { Factory } from '../component.ts'
import type { CatalogEntry } from '../config/config.ts'
import { decodeConfig } from '../config/decode.ts'
import { loadConfig } from '../config/load.ts'
import { build } from '../engine/build.ts'
import { newCatalog } from '../engine/catalog.ts'
import { Engine, type EngineOptions } from '../engine/engine.ts'

/** Put before a test's YAML: no port, no log lines. */
const quiet = 'service: { telemetry: { logs: { output_paths: [/dev/null] }, metrics: { level: none } } }\n'

export interface TestEngine {
  readonly engine: Engine
  /** Reloads with another YAML. */
  readonly change: (yaml: string) => ReturnType<Engine['reload']>
  readonly stop: () => Promise<readonly Error[]>
}

/** A whole engine over the components of the test, from the YAML a user would write. */
export async function startEngine(
  yaml: string,
  factories: readonly Factory[],
  options: Partial<EngineOptions> = {},
): Promise<TestEngine> {
  let current = yaml
  const catalog = newCatalog(factories.map(entryOf))
  const readConfig = async () => {
    const tree = await loadConfig({ uris: [`yaml:${quiet}`, `yaml:${current}`], env: {} })
    return decodeConfig(tree, catalog)
  }
  const engine = await Engine.start({ build, readConfig, featureGates: [], swapTimeoutMs: 2_000, ...options })
  return {
    engine,
    change: (next) => {
      current = next
      return engine.reload()
    },
    stop: () => engine.shutdown(AbortSignal.timeout(5_000)),
  }
}

function entryOf(factory: Factory): CatalogEntry {
  const { kind, type, aliases } = factory
  return { kind, type, aliases, module: 'test', load: () => Promise.resolve(factory) }
}
