import type { Catalog, CatalogEntry } from '../pipeline/config/config.ts'
import { entry, newCatalog } from '../pipeline/engine/catalog.ts'
import { loadPlugin } from '../pipeline/engine/plugins.ts'

/** Every component of this build. One line here is all that registers one. */
export const components: readonly CatalogEntry[] = [
  entry('receiver', 'nop', [], () => import('../receivers/nop/index.ts')),
  entry('receiver', 'otlp', [], () => import('../receivers/otlp/index.ts')),

  entry('processor', 'batch', [], () => import('../processors/batch/index.ts')),
  entry('processor', 'memory_limiter', [], () => import('../processors/memory_limiter/index.ts')),

  entry('exporter', 'debug', [], () => import('../exporters/debug/index.ts')),
  entry('exporter', 'file', [], () => import('../exporters/file/index.ts')),
  entry('exporter', 'nop', [], () => import('../exporters/nop/index.ts')),
  entry('exporter', 'otlp_grpc', ['otlp'], () => import('../exporters/otlp_grpc/index.ts')),
  entry('exporter', 'otlp_http', ['otlphttp'], () => import('../exporters/otlp_http/index.ts')),

  entry('connector', 'forward', [], () => import('../connectors/forward/index.ts')),
  entry('connector', 'nop', [], () => import('../connectors/nop/index.ts')),

  entry('extension', 'health_check', [], () => import('../extensions/health_check/index.ts')),
  entry('extension', 'pprof', [], () => import('../extensions/pprof/index.ts')),
  entry('extension', 'zpages', [], () => import('../extensions/zpages/index.ts')),
]

/** The build's components and those of the plugins. Throws what is wrong with a plugin. */
export async function loadCatalog(pluginPaths: readonly string[]): Promise<Catalog> {
  const plugins = await Promise.all(pluginPaths.map((path) => loadPlugin(path)))
  return newCatalog([...components, ...plugins.flat()])
}
