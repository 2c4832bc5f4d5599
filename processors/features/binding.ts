/** What a series feeds: decided when it is met, so that a point is a few array look-ups. */
import type { SeriesText } from '../../pipeline/data/series.ts'
import {
  type Entity,
  instanceName,
  parseEntityId,
  readEntity,
  resourceNode,
  resourceService,
  serviceOf,
  versionName,
} from '../../pipeline/vocabulary/entity.ts'
import { paneAttributes, tracePanes } from '../../pipeline/vocabulary/panes.ts'
import { type HeardSignal, heardSignals, paneMs, signalBits } from './columns.ts'
import type { Entities } from './entities.ts'
import { type FeatureEntity, join, rememberVersion } from './entity.ts'
import type { Frontier, Source } from './frontier.ts'
import { type Rule, rules, rulesByMetric } from './rules.ts'
import type { SeriesState } from './series-state.ts'
import { storeName } from './stores.ts'
import { isFailure, isOther, matches, Texts, takes } from './texts.ts'

/** One column, or sketch, that a series feeds. */
export interface Feed {
  readonly rule: Rule
  /** In the table: lower ones have precedence. */
  readonly place: number
  readonly of: FeatureEntity
  readonly state: SeriesState
  readonly scale: number
  /** Whether a reading counts as one, or belongs to another that does. */
  readonly weight: number
  /** Of `requests`: they failed. */
  readonly isError: boolean
}

export interface Binding {
  readonly source: Source
  readonly signal: number
  readonly bit: number
  /** Goes on as it is, besides. */
  readonly isPassed: boolean
  /** Its panes are told in parts: that one was begun does not say that it is over. */
  readonly isPartial: boolean
  readonly isDelta: boolean
  readonly feeds: readonly Feed[]
  /** Of whom something is heard by it. */
  readonly heard: readonly FeatureEntity[]
}

export const noRoom = 'no room'
const traceNames: ReadonlySet<string> = new Set(Object.values(tracePanes))

export class Binder {
  private readonly entities: Entities
  private readonly frontier: Frontier
  /** Parts that wait for somebody to say whose they are. */
  private readonly orphans = new Map<FeatureEntity, Orphan>()

  constructor(entities: Entities, frontier: Frontier) {
    this.entities = entities
    this.frontier = frontier
  }

  /** Undefined for a series that nothing is made of. */
  bind(series: SeriesText, pane: number, stateOf: (place: number) => SeriesState): Binding | undefined | typeof noRoom {
    const [name, , type, temporality] = series.metric
    const isPassed = traceNames.has(name)
    const resource = new Texts(series.resource)
    const point = new Texts(series.attributes)
    const matching = (rulesByMetric.get(name) ?? []).filter(([, rule]) => matches(rule, point) && takes(rule, type))
    const [first] = matching
    if (first === undefined && !isPassed) return undefined
    const signal: HeardSignal = first?.[1].signal ?? 'traces'
    const feeds: Feed[] = []
    const heard = new Set<FeatureEntity>()
    for (const [place, rule] of matching) {
      const of = this.about(rule, name, resource, point, pane)
      if (of === noRoom) return noRoom
      if (of === undefined) continue
      of.signals |= signalBits[signal]
      feeds.push({
        rule,
        place,
        of,
        state: stateOf(place),
        scale: rule.scale ?? 1,
        weight: rule.take === 'reading' && rule.per !== undefined && isOther(rule.per, point) ? 0 : 1,
        isError: isFailure(point),
      })
      const ofService = rule.take === 'requests' ? this.addService(feeds.at(-1)!, stateOf, pane) : undefined
      if (ofService !== undefined) feeds.push(ofService)
      witnesses(of, heard)
    }
    if (feeds.length === 0 && !isPassed) return undefined
    this.learnResource(resource, pane, heard)
    const intervalMs = signal === 'metrics' ? 60_000 : paneMs
    return {
      source: this.frontier.source(`${signal} ${JSON.stringify(series.resource)}`, intervalMs),
      signal: heardSignals.indexOf(signal),
      bit: signalBits[signal],
      isPassed,
      isPartial: signal !== 'metrics',
      isDelta: temporality === 'delta',
      feeds,
      heard: [...heard],
    }
  }

  /** Parts find their wholes once those are known; after a while they stand for themselves. */
  resolve(pane: number): void {
    for (const [part, orphan] of this.orphans) {
      if (!this.entities.isKnown(part)) {
        this.orphans.delete(part)
        continue
      }
      const whole = orphan.find() ?? (pane > orphan.since + patience ? orphan.makeUp(pane) : undefined)
      if (whole === undefined) continue
      join(part, whole)
      whole.signals |= part.signals
      this.orphans.delete(part)
    }
  }

  /** Histograms do not pool: the service has one of its own. */
  private addService({ of, ...feed }: Feed, stateOf: (place: number) => SeriesState, pane: number) {
    const service = serviceOf(of.entity)
    if (service === undefined || of.rank === 'service') return undefined
    const whole = this.entities.get(service, pane)
    return whole === undefined ? undefined : { ...feed, of: whole, state: stateOf(feed.place + rules.length) }
  }

  private about(
    rule: Rule,
    metric: string,
    resource: Texts,
    point: Texts,
    pane: number,
  ): FeatureEntity | undefined | typeof noRoom {
    const { entities } = this
    switch (rule.about) {
      case 'named': {
        const entity = readEntity(resource, point)
        return entity === undefined || entity.name === '' ? undefined : this.named(entity, point, pane)
      }
      case 'service': {
        const service = resourceService(resource)
        return service === undefined ? undefined : (entities.get(service, pane) ?? noRoom)
      }
      case 'node': {
        const node = resourceNode(resource)
        return node === undefined ? undefined : (entities.get(node, pane) ?? noRoom)
      }
      case 'instance':
        return this.instance(resource, pane)
      case 'pool': {
        const name = point.text('db.client.connection.pool.name', 'pool.name')
        const instance = this.instance(resource, pane)
        if (name === '' || instance === undefined || instance === noRoom) return undefined
        const service = serviceOf(instance.entity)
        if (service === undefined) return undefined
        const pool = entities.get({ ...service, kind: 'pool', service: service.name, name }, pane)
        const part = entities.part(`${name} of ${instance.key}`, instance.entity, pane)
        if (pool === undefined || part === undefined) return noRoom
        join(part, pool)
        pool.signals |= signalBits.metrics
        part.heardOf = instance
        return part
      }
      case 'queue': {
        const name = point.text('messaging.destination.name', 'topic', 'queue', 'rabbitmq.queue.name')
        const queue = name || resource.text('rabbitmq.queue.name')
        return queue === '' ? undefined : this.store('queue', queue, resource, pane, point.text('group', 'partition'))
      }
      case 'database':
      case 'cache': {
        const name = storeName(metric, resource, point)
        return name === '' ? undefined : this.store(rule.about, name, resource, pane, '')
      }
    }
  }

  private named(entity: Entity, point: Texts, pane: number): FeatureEntity | typeof noRoom {
    const { entities } = this
    const one = entities.get(entity, pane)
    if (one === undefined) return noRoom
    if (entity.kind === 'version' && one.heardOf !== undefined) rememberVersion(one.heardOf, entity.name, pane * paneMs)
    const source = parseEntityId(point.text(paneAttributes.source))
    const target = point.text(paneAttributes.target)
    if (entity.kind === 'edge' && source !== undefined && target !== '' && one.target === '') {
      const caller = entities.get(source, pane)
      if (caller === undefined) return noRoom
      one.target = target
      one.heardOf = caller.heardOf ?? caller
      join(one, caller)
    }
    return one
  }

  private instance(resource: Texts, pane: number): FeatureEntity | undefined | typeof noRoom {
    const { entities } = this
    const service = resourceService(resource)
    if (service !== undefined) {
      const name = instanceName(resource)
      const entity: Entity = name === '' ? service : { ...service, kind: 'instance', service: service.name, name }
      return entities.get(entity, pane) ?? noRoom
    }
    const pod = resource.text('k8s.pod.name')
    if (pod !== '') return this.pod(pod, resource, pane)
    const name = resource.text('container.name', 'container.id')
    if (name === '') return undefined
    const cluster = resource.text('k8s.cluster.name')
    const entity: Entity = { kind: 'instance', cluster, environment: '', namespace: '', service: '', name }
    return entities.get(entity, pane) ?? noRoom
  }

  /** What others than the pod itself say of it: whose it is, its own telemetry says. */
  private pod(name: string, resource: Texts, pane: number): FeatureEntity | typeof noRoom {
    const { entities } = this
    const key = podKey(resource)
    const cluster = resource.text('k8s.cluster.name')
    const namespace = resource.text('k8s.namespace.name')
    const workload = resource.text(
      'k8s.deployment.name',
      'k8s.statefulset.name',
      'k8s.daemonset.name',
      'k8s.job.name',
      'k8s.cronjob.name',
    )
    const about: Entity = { kind: 'instance', cluster, environment: '', namespace, service: workload, name }
    const part = entities.part(`pod ${key}`, about, pane)
    if (part === undefined) return noRoom
    if (part.parents.length === 0 && !this.orphans.has(part)) {
      const find = () => entities.instance(key) ?? entities.instance(podKeyWithoutCluster(resource))
      const makeUp = (at: number) => {
        if (workload === '') return entities.get(about, at)
        const service = entities.findLike('service', workload, cluster)?.entity
        return entities.get({ ...about, ...(service === undefined ? {} : shared(service)) }, at)
      }
      this.orphans.set(part, { since: sinceOf(part, pane), find, makeUp })
      this.resolveOne(part)
    }
    return part
  }

  /** Stores are often described without the environment that their callers have: one of that name is taken for the same. */
  private store(
    kind: 'database' | 'cache' | 'queue',
    name: string,
    resource: Texts,
    pane: number,
    source: string,
  ): FeatureEntity | typeof noRoom {
    const { entities } = this
    const cluster = resource.text('k8s.cluster.name')
    const environment = resource.text('deployment.environment.name', 'deployment.environment')
    const entity: Entity = { kind, cluster, environment, namespace: '', service: '', name }
    const part = entities.part(`${kind} ${cluster}/${environment}/${name} ${source && 'by group'}`, entity, pane)
    if (part === undefined) return noRoom
    if (part.parents.length === 0 && !this.orphans.has(part)) {
      const find = () =>
        entities.find(entity) ?? entities.findLike(kind, name, cluster) ?? entities.findOnlyPart(kind, name, cluster)
      this.orphans.set(part, { since: sinceOf(part, pane), find, makeUp: (at) => entities.get(entity, at) })
      this.resolveOne(part)
    }
    return part
  }

  private resolveOne(part: FeatureEntity): void {
    const whole = this.orphans.get(part)?.find()
    if (whole === undefined) return
    join(part, whole)
    this.orphans.delete(part)
  }

  /** Whose pod it is, which version it runs, on which machine. */
  private learnResource(resource: Texts, pane: number, heard: Set<FeatureEntity>): void {
    const { entities } = this
    const service = resourceService(resource)
    const name = instanceName(resource)
    if (service === undefined || name === '') return
    const instance = entities.find({ ...service, kind: 'instance', service: service.name, name })
    if (instance === undefined) return
    if (resource.text('k8s.pod.name') !== '') entities.rememberPod(podKey(resource), instance)
    const version = versionName(resource)
    if (version === '') return
    const ofVersion = entities.get({ ...service, kind: 'version', service: service.name, name: version }, pane)
    if (ofVersion === undefined) return
    join(instance, ofVersion)
    const whole = entities.find(service)
    if (whole !== undefined) rememberVersion(whole, version, pane * paneMs)
    ofVersion.signals |= instance.signals
    heard.add(ofVersion)
  }
}

interface Orphan {
  readonly since: number
  find(): FeatureEntity | undefined
  makeUp(pane: number): FeatureEntity | undefined
}
/** One that was restored has waited before. */
function sinceOf({ firstPane }: FeatureEntity, pane: number): number {
  return Math.min(firstPane, pane)
}
/** Panes that a part waits for its whole. */
const patience = 12

/** Whoever is heard of when this one is. */
function witnesses(of: FeatureEntity, into: Set<FeatureEntity>): void {
  if (into.has(of)) return
  into.add(of)
  if (of.heardOf !== undefined) witnesses(of.heardOf, into)
  for (const parent of of.parents) witnesses(parent, into)
}

function shared({ cluster, environment, namespace }: Entity) {
  return { cluster, environment, namespace }
}

function podKey(resource: Texts): string {
  return `${resource.text('k8s.cluster.name')}/${podKeyWithoutCluster(resource).slice(1)}`
}
function podKeyWithoutCluster(resource: Texts): string {
  return `/${resource.text('k8s.namespace.name')}/${resource.text('k8s.pod.name')}`
}
