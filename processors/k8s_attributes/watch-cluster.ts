/** Which objects are watched for these rules, and where they go. */
import type { Context } from '../../pipeline/component.ts'
import type { KubernetesApi } from '../../pipeline/kubernetes/kubernetes-api.ts'
import { pause } from '../../pipeline/kubernetes/pause.ts'
import { type Listener, Reflector, type Watched } from '../../pipeline/kubernetes/reflector.ts'
import { type ApiPod, trimPod } from './api-pod.ts'
import type { ClusterCache } from './cluster-cache.ts'
import type { Config, FieldSource, FilterSettings } from './config.ts'
import { thingOf } from './owners.ts'
import { type Rules, reads } from './rules.ts'
import type { WatcherMetrics } from './watcher-metrics.ts'

export interface WatchParts {
  readonly settings: Config
  readonly rules: Rules
  readonly cache: ClusterCache
  readonly api: KubernetesApi
  readonly context: Context
  readonly metrics: WatcherMetrics
}
export interface ClusterWatch {
  /** Resolves when every pod that there is has been told. */
  readonly synced: Promise<void>
  stop(): Promise<void>
}

/** Objects of one kind; beyond it they are left out, and counted. */
const mostObjects = 250_000
/** Pods are told after their owners, if those come within this time. */
const ownersFirstMs = 5_000

interface Kind {
  readonly kind: Exclude<FieldSource, 'pod'>
  readonly group: string
  readonly isNamespaced: boolean
  readonly query?: Readonly<Record<string, string>>
}

export function watchCluster(parts: WatchParts): ClusterWatch {
  const { settings, rules, cache, api, context, metrics } = parts
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, context.signal])
  const tools = { api, clock: context.clock, logger: context.logger, random: context.random }
  const common = { resyncMs: settings.watch_sync_period, limit: mostObjects }
  const others = kindsFor(rules, nodeOf(settings)).map(({ kind, group, isNamespaced, query = {} }) => {
    const name = `${kind}s`
    const watched: Watched<ReturnType<typeof thingOf>> = {
      ...common,
      name,
      path: pathOf(group, isNamespaced ? settings.filter.namespace : '', name),
      query,
      isMetadataOnly: true,
      trim: (object) => thingOf(rules, kind, object),
      listener: counted(metrics, kind, {
        added: (thing) => cache.putThing(kind, thing),
        updated: (thing) => cache.putThing(kind, thing),
        deleted: (thing) => cache.removeThing(kind, thing),
      }),
      leftOut: () => metrics.leftOut(kind),
    }
    return new Reflector(watched, tools)
  })
  const pods = new Reflector<ApiPod>(
    {
      ...common,
      name: 'pods',
      path: pathOf('/api/v1', settings.filter.namespace, 'pods'),
      query: podQuery(settings),
      isMetadataOnly: false,
      trim: (object) => trimPod(object, rules),
      listener: counted(metrics, 'pod', {
        added: (pod) => cache.putPod(pod),
        updated: (pod) => cache.putPod(pod),
        deleted: (pod) => cache.removePod(pod),
      }),
      leftOut: () => metrics.leftOut('pod'),
    },
    tools,
  )
  const running = [
    ...others.map((one) => one.run(signal)),
    (async () => {
      const enough = new AbortController()
      const patience = pause(ownersFirstMs, context.clock, AbortSignal.any([signal, enough.signal])).catch(() => {})
      await Promise.race([Promise.all(others.map(({ synced }) => synced)), patience])
      enough.abort()
      await pods.run(signal)
    })(),
  ]
  return {
    synced: pods.synced,
    async stop() {
      stop.abort()
      await Promise.all(running)
    },
  }
}

function counted<T>(metrics: WatcherMetrics, kind: FieldSource, to: Listener<T>): Listener<T> {
  return {
    added(object) {
      metrics.event(kind, 'added')
      to.added(object)
    },
    updated(object) {
      metrics.event(kind, 'updated')
      to.updated(object)
    },
    deleted(object) {
      metrics.event(kind, 'deleted')
      to.deleted(object)
    },
  }
}

/** Owners first: ReplicaSets and Jobs say which Deployment or CronJob a pod belongs to. */
function kindsFor(rules: Rules, node: string): readonly Kind[] {
  const { wants } = rules
  const [core, apps, batch] = ['/api/v1', '/apis/apps/v1', '/apis/batch/v1']
  const kinds: Kind[] = []
  const add = (isWanted: boolean, kind: Kind['kind'], group: string, isNamespaced = true, query = {}) => {
    if (isWanted) kinds.push({ kind, group, isNamespaced, query })
  }
  add(wants('k8s.deployment.uid') || reads(rules, 'deployment', 'replicaset'), 'replicaset', apps)
  // The uid of the cluster is that of one namespace; only labels need all of them.
  const one = reads(rules, 'namespace') ? {} : { fieldSelector: 'metadata.name=kube-system' }
  add(reads(rules, 'namespace') || wants('k8s.cluster.uid'), 'namespace', core, false, one)
  const ours = node === '' ? {} : { fieldSelector: `metadata.name=${escapeValue(node)}` }
  add(wants('k8s.node.uid') || reads(rules, 'node'), 'node', core, false, ours)
  add(reads(rules, 'deployment'), 'deployment', apps)
  add(reads(rules, 'statefulset'), 'statefulset', apps)
  add(reads(rules, 'daemonset'), 'daemonset', apps)
  add(wants('k8s.cronjob.uid') || reads(rules, 'job', 'cronjob'), 'job', batch)
  add(reads(rules, 'cronjob'), 'cronjob', batch)
  return kinds
}

function pathOf(group: string, namespace: string, name: string): string {
  return namespace === '' ? `${group}/${name}` : `${group}/namespaces/${encodeURIComponent(namespace)}/${name}`
}

function nodeOf({ filter }: Config): string {
  return filter.node_from_env_var === '' ? filter.node : (process.env[filter.node_from_env_var] ?? '')
}

/** The server chooses the pods, so that nobody sends us the others. */
export function podQuery(settings: Config): Record<string, string> {
  const node = nodeOf(settings)
  const labels = settings.filter.labels.map(labelTerm).join(',')
  const fields = settings.filter.fields
    .map(({ key, value, op }) => `${key}${op === 'not-equals' ? '!=' : '='}${escapeValue(value)}`)
    .concat(node === '' ? [] : [`spec.nodeName=${escapeValue(node)}`])
    .join(',')
  return { ...(labels === '' ? {} : { labelSelector: labels }), ...(fields === '' ? {} : { fieldSelector: fields }) }
}

function labelTerm({ key, value, op }: FilterSettings): string {
  if (op === 'exists') return key
  if (op === 'does-not-exist') return `!${key}`
  return `${key}${op === 'not-equals' ? '!=' : '='}${value}`
}

function escapeValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&')
}
