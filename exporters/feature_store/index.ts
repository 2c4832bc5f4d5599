/** Gives features, scores, edges and events to the extension of the same name. */
import { type FeatureSink, featureSink } from '../../pipeline/capability/feature-store.ts'
import { defineExporter } from '../../pipeline/component.ts'
import { config } from './config.ts'

export default defineExporter({
  type: 'feature_store',
  config,
  signals: { metrics: 'alpha', logs: 'alpha' },
  sending: { queue: false, retry: false, timeoutMs: 0 },
  create({ extension }, context) {
    let sink: FeatureSink | undefined
    const running = () => {
      if (sink === undefined) throw new Error('the feature_store exporter does not run')
      return sink
    }
    return {
      async start() {
        try {
          sink = context.extension(featureSink, extension)
        } catch (cause) {
          const wanted = extension === undefined ? 'feature_store' : `"${extension}"`
          throw new Error(
            `there is no extension ${wanted} to keep features: add it to extensions and to service::extensions`,
            {
              cause,
            },
          )
        }
      },
      metrics: (batch) => running().metrics(batch),
      logs: (batch) => running().logs(batch),
    }
  },
})
