/** A thread of `vigil --workers N`. */
import { parentPort, workerData } from 'node:worker_threads'
import { decodeConfig } from '../pipeline/config/decode.ts'
import { parseFeatureGates } from '../pipeline/config/feature-gates.ts'
import { pluginReferences } from '../pipeline/config/plugin-references.ts'
import { build } from '../pipeline/engine/build.ts'
import { runWorker } from '../pipeline/workers/worker.ts'
import { loadCatalog } from './catalog.ts'

export interface WorkerData {
  readonly featureGates: readonly string[]
  readonly plugin: readonly string[]
}

if (parentPort !== null) {
  const { featureGates, plugin, index } = workerData as WorkerData & { readonly index: number }
  const gates = parseFeatureGates(featureGates)
  runWorker({
    port: parentPort,
    index,
    build,
    featureGates: gates.all(),
    decode: async (tree) => {
      const catalog = await loadCatalog(plugin, pluginReferences(tree.root), tree.files)
      return decodeConfig(tree, catalog, { gates })
    },
  })
}
