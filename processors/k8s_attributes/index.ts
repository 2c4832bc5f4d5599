import { type Context, defineProcessor } from '../../pipeline/component.ts'
import type { Batches, EditableAttributes } from '../../pipeline/data/telemetry.ts'
import { findAccess } from '../../pipeline/kubernetes/access.ts'
import { KubernetesApi } from '../../pipeline/kubernetes/kubernetes-api.ts'
import { pause } from '../../pipeline/kubernetes/pause.ts'
import { Regex } from '../../pipeline/ottl/regex.ts'
import { Association, senderOf } from './association.ts'
import { ClusterCache } from './cluster-cache.ts'
import { type Config, config } from './config.ts'
import { type Enrichment, enrich, setIfEmpty } from './enrich.ts'
import { compileRules, type Gates } from './rules.ts'
import { type ClusterWatch, watchCluster } from './watch-cluster.ts'
import { WatcherMetrics } from './watcher-metrics.ts'

type Edited = 'traces' | 'metrics' | 'logs'

export default defineProcessor({
  type: 'k8s_attributes',
  aliases: ['k8sattributes'],
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta' },
  create(settings, context) {
    const association = new Association(settings.pod_association)
    const handlers = (change: (attributes: EditableAttributes, sender: string, signal: Edited) => void) => {
      const handle =
        <S extends Edited>(signal: S) =>
        (batch: Batches[S]): Batches[S] => {
          const sender = senderOf(batch.origin.address)
          return batch.editResources(({ attributes }) => change(attributes, sender, signal)) as Batches[S]
        }
      return { traces: handle('traces'), metrics: handle('metrics'), logs: handle('logs') }
    }
    if (settings.passthrough) {
      return handlers((attributes, sender) => {
        const { connection } = association.identify(attributes, sender)
        if (connection !== '') setIfEmpty(attributes, 'k8s.pod.ip', connection)
      })
    }
    const gates = gatesOf(context)
    const rules = compileRules(settings, gates)
    const excluded = excludedNames(settings)
    const isExcluded = (name: string) => excluded.some((pattern) => pattern.test(name))
    const cache = new ClusterCache({
      rules,
      association,
      isExcluded,
      clock: context.clock,
      graceMs: settings.pod_delete_grace_period,
    })
    const metrics = new WatcherMetrics(context, () => cache.size)
    const enrichments = new Map<Edited, Enrichment>()
    for (const signal of ['traces', 'metrics', 'logs'] as const) {
      enrichments.set(signal, {
        rules,
        association,
        cache,
        count: (isFound, identifier) => metrics.associated(isFound, identifier, signal),
        missed: () => metrics.missed(),
      })
    }
    let api: KubernetesApi | undefined
    let watch: ClusterWatch | undefined
    let stopSweeping = () => {}
    const close = async () => {
      stopSweeping()
      await watch?.stop()
      api?.close()
    }
    return {
      ...handlers((attributes, sender, signal) => enrich(attributes, sender, enrichments.get(signal)!)),
      async start() {
        if (!gates.legacy && !gates.stable) {
          throw new Error(
            'processor.k8sattributes.DontEmitV0K8sConventions cannot be enabled without enabling processor.k8sattributes.EmitV1K8sConventions',
          )
        }
        const { kube_api_qps: qps, kube_api_burst: burst } = settings
        api = new KubernetesApi(await findAccess(settings), { clock: context.clock, qps, burst })
        stopSweeping = cache.startSweeping()
        watch = watchCluster({ settings, rules, cache, api, context, metrics })
        if (!settings.wait_for_metadata) return
        const enough = new AbortController()
        const late = pause(settings.wait_for_metadata_timeout, context.clock, enough.signal).then(
          () => true,
          () => false,
        )
        const isLate = await Promise.race([watch.synced.then(() => false), late])
        enough.abort()
        if (!isLate) return
        await close()
        throw new Error('failed to wait for caches to sync')
      },
      shutdown: close,
    }
  },
})

function gatesOf({ engine }: Context): Gates {
  const isOn = (name: string) =>
    engine.featureGates.some(({ id, enabled }) => id === `processor.k8sattributes.${name}` && enabled)
  return { stable: isOn('EmitV1K8sConventions'), legacy: !isOn('DontEmitV0K8sConventions') }
}

/** An empty list is the default one, as upstream. */
function excludedNames({ exclude }: Config): readonly Regex[] {
  const names = exclude.pods.length === 0 ? ['jaeger-agent', 'jaeger-collector'] : exclude.pods.map(({ name }) => name)
  return names.map((name) => new Regex(name))
}
