/** Upstream's metrics of the watches, under the new names, the old ones, or both, as its gates say. */
import type { Context } from '../../pipeline/component.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import type { Identifier } from './association.ts'
import type { FieldSource } from './config.ts'

type Event = 'added' | 'updated' | 'deleted'

/** Upstream has switched the metrics of Deployments and DaemonSets off. */
const shown: readonly FieldSource[] = ['pod', 'namespace', 'node', 'replicaset', 'statefulset', 'job', 'cronjob']
const shownBefore: readonly FieldSource[] = ['pod', 'namespace', 'node', 'replicaset']
const titles: Readonly<Partial<Record<FieldSource, string>>> = { replicaset: 'ReplicaSet' }

export class WatcherMetrics {
  readonly #context: Context
  readonly #hasNew: boolean
  readonly #hasOld: boolean
  readonly #counters = new Map<string, readonly Counter[]>()
  readonly #associations: Counter
  readonly #labels = new Map<string, Readonly<Record<string, string>>>()
  readonly #misses: Counter | undefined
  readonly #leftOut: Counter

  constructor(context: Context, size: () => number) {
    this.#context = context
    const { meter, engine } = context
    const gate = (name: string) =>
      engine.featureGates.find(({ id }) => id === `processor.k8sattributes.telemetry.${name}`)?.enabled ?? true
    this.#hasNew = gate('enableNewFormatMetrics')
    this.#hasOld = !gate('disableOldFormatMetrics')
    this.#associations = meter.counter('otelcol_k8s_pod_association', "Number of pod associations' evaluations")
    this.#misses = this.#hasOld
      ? meter.counter('otelcol_otelsvc_k8s_ip_lookup_miss', 'Number of times pod by IP lookup failed')
      : undefined
    this.#leftOut = meter.counter(
      'vigil_k8s_attributes_objects_left_out',
      'Objects of the cluster that found the cache full',
    )
    if (this.#hasNew)
      meter.gauge('otelcol_k8s_watcher_pod_cache_size', size, {}, 'Size of cache table containing pod info')
    if (this.#hasOld) meter.gauge('otelcol_otelsvc_k8s_pod_table_size', size, {}, 'Size of table containing pod info')
  }

  event(kind: FieldSource, event: Event): void {
    const key = `${kind}_${event}`
    let counters = this.#counters.get(key)
    if (counters === undefined) {
      counters = this.#countersOf(kind, event)
      this.#counters.set(key, counters)
    }
    for (const counter of counters) counter.add(1)
  }

  associated(isFound: boolean, { sources }: Identifier, signal: string): void {
    const key = `${isFound}${signal}${sources}`
    let labels = this.#labels.get(key)
    if (labels === undefined) {
      labels = { status: isFound ? 'success' : 'error', pod_identifier: sources, 'otelcol.signal': signal }
      this.#labels.set(key, labels)
    }
    this.#associations.add(1, labels)
  }
  missed(): void {
    this.#misses?.add(1)
  }
  leftOut(kind: FieldSource): void {
    this.#leftOut.add(1, { kind })
  }

  #countersOf(kind: FieldSource, event: Event): readonly Counter[] {
    const { meter } = this.#context
    const verb = event === 'added' ? 'add' : event === 'updated' ? 'update' : 'delete'
    const about = `Number of ${titles[kind] ?? kind} ${verb} events received`
    const isNew = shown.includes(kind) && (this.#hasNew || kind === 'cronjob')
    const isOld = shownBefore.includes(kind) && this.#hasOld
    return [
      ...(isNew ? [meter.counter(`otelcol_k8s_watcher_${kind}_${event}`, about)] : []),
      ...(isOld ? [meter.counter(`otelcol_otelsvc_k8s_${kind}_${event}`, about)] : []),
    ]
  }
}
