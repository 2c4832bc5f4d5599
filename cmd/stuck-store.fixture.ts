/** A feature store that never answers, as a plugin. */
import type { Capability } from '../pipeline/capability/capability.ts'
import { type FeatureStore, featureStore } from '../pipeline/capability/feature-store.ts'
import { defineExtension, z } from '../pipeline/plugin.ts'

const never = (): Promise<never> => new Promise(() => {})
const stuck: FeatureStore = { entities: never, history: never, graph: never, events: never }

export default defineExtension({
  type: 'stuck_store',
  config: z.strictObject({}),
  signals: { extension: 'development' },
  create: () => ({ provides: new Map([[featureStore as Capability<unknown>, stuck]]) }),
})
