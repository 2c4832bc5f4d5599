/**
 * How long a diagnosis takes in a system of so many services, and what it does to the thread meanwhile: `node cmd/bench/diagnosis.bench.ts [services...]`.
 * A real feature store with 45 minutes of features of services, operations, instances and calls; one database is slow, and those who need it, through three tiers.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import feature_store from '../../extensions/feature_store/index.ts'
import { type FeatureSink, featureSink, featureStore } from '../../pipeline/capability/feature-store.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Logs, Metrics } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { readDiagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import {
  type Entity,
  edgeEntity,
  entityId,
  entityLabel,
  entityPoint,
  entityResource,
} from '../../pipeline/vocabulary/entity.ts'
import { eventId, eventLogs } from '../../pipeline/vocabulary/event.ts'
import { type Incident, writeIncident } from '../../pipeline/vocabulary/incident.ts'
import rca from '../../processors/rca/index.ts'

const startSeconds = 1_800_000_000
const ticks = 270
const onsetTick = 264
const second = 1_000_000_000n
const tiers = 4
const rounds = 5

const entity = (kind: Entity['kind'], name: string, service = ''): Entity => ({
  kind,
  cluster: '',
  environment: 'production',
  namespace: '',
  service,
  name,
})

/** Normal, seeded. */
function normals(seed: number): () => number {
  let state = seed
  const uniform = () => ((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) + 0.5) / 2 ** 32
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

interface Series {
  readonly id: number
  readonly usual: number
  /** Times as much from the onset on. */
  readonly factor: number
}

/** Each service calls two of the next tier; of the last tier, a tenth calls the database that is slow, others one of their own. */
class System {
  readonly plan = { dictionary: new ByteDictionary(16), series: new ByteDictionary(2_000_000) }
  readonly series: Series[] = []
  readonly slow = entity('database', 'db-0/main')
  readonly suffering: Entity[] = []
  readonly #edges: { readonly edge: Entity; readonly ends: Readonly<Record<string, string>> }[] = []

  constructor(services: number) {
    const perTier = Math.ceil(services / tiers)
    const at = (tier: number, i: number) => entity('service', `service-${tier}-${i % perTier}`)
    const databases = Math.ceil(perTier / 10)
    const callees = (tier: number, i: number) =>
      tier + 1 < tiers
        ? [at(tier + 1, 2 * i), at(tier + 1, 2 * i + 1)]
        : [entity('database', `db-${i % databases}/main`)]
    const suffers = (tier: number, i: number): boolean =>
      tier + 1 < tiers ? [2 * i, 2 * i + 1].some((next) => suffers(tier + 1, next % perTier)) : i % databases === 0
    for (let tier = 0; tier < tiers; tier++)
      for (let i = 0; i < perTier; i++) {
        const service = at(tier, i)
        const factor = suffers(tier, i) ? 6 : 1
        if (factor > 1) this.suffering.push(service)
        this.#requests(service, factor, 1)
        for (const name of ['GET /a', 'GET /b', 'POST /c', 'GET /d'])
          this.#requests(entity('operation', name, service.name), factor, 1)
        for (const pod of ['1', '2']) {
          const instance = entity('instance', `${service.name}-${pod}`, service.name)
          this.#requests(instance, factor, 1)
          this.#add(instance, 'vigil.cpu.utilization', '', 0.4, 1)
          this.#add(instance, 'vigil.memory.utilization', '', 0.5, 1)
        }
        for (const callee of callees(tier, i)) {
          const edge = edgeEntity(service, callee)
          const isSlow = callee.kind === 'database' ? callee.name === this.slow.name : factor > 1
          const ends = {
            'vigil.edge.source': entityId(service),
            'vigil.edge.target': entityId(callee),
            'vigil.edge.type': 'call',
          }
          this.#edges.push({ edge, ends })
          this.#requests(edge, isSlow ? 6 : 1, 1, ends)
        }
      }
    for (let i = 0; i < databases; i++)
      this.#requests(entity('database', `db-${i}/main`), i === 0 ? 8 : 1, i === 0 ? 8 : 1)
  }

  /** What the graph is made of: the calls of ten seconds. */
  calls(seconds: bigint): Metrics {
    const builder = newMetrics()
    const delta = { temporality: 'delta', monotonic: true } as const
    for (const { edge, ends } of this.#edges) {
      const attributes = { ...entityPoint(edge), ...ends }
      const times = { startUnixNano: (seconds - 10n) * second, timeUnixNano: seconds * second, attributes }
      builder.resource(entityResource(edge)).scope('vigil/trace_features')
      builder.sum('vigil.trace.requests', [{ ...times, value: 200 }], delta)
      builder.exponentialHistogram('vigil.trace.duration', [{ ...times, count: 200, sum: 10, scale: 0 }], {
        temporality: 'delta',
      })
    }
    return builder.build()
  }

  #requests(of: Entity, factor: number, own: number, more: Readonly<Record<string, string>> = {}): void {
    this.#add(of, 'vigil.request.rate', '', 20, 1, more)
    this.#add(of, 'vigil.request.count', '', 1_200, 1, more)
    this.#add(of, 'vigil.error.count', '', 1, 1, more)
    for (const quantile of ['0.5', '0.9', '0.99']) this.#add(of, 'vigil.latency', quantile, 0.05, factor, more)
    if (of.kind !== 'edge') this.#add(of, 'vigil.self_time', '0.9', 0.02, own, more)
  }

  #add(
    of: Entity,
    metric: string,
    quantile: string,
    usual: number,
    factor: number,
    more: Readonly<Record<string, string>> = {},
  ): void {
    const sorted = (fields: object) => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))
    const attributes = { ...entityPoint(of), ...more, window: '1m', ...(quantile === '' ? {} : { quantile }) }
    const text = JSON.stringify({
      resource: sorted(entityResource(of)),
      scope: ['vigil/features', '', []],
      metric: [metric, '1', 'gauge', 'none', false],
      attributes: sorted(attributes),
    })
    this.series.push({ id: this.plan.series.id(text), usual, factor })
  }
}

async function measure(services: number): Promise<void> {
  const system = new System(services)
  const { instance, context } = build(feature_store, 'memory_limit: 4GiB', { kind: 'extension' })
  // Work is cut into slices by the time it takes.
  context.clock.nowMs = () => performance.now()
  await instance.start?.()
  const sink = instance.provides!.get(featureSink) as FeatureSink
  const normal = normals(services)
  const ids = Uint32Array.from(system.series, ({ id }) => id)
  for (let tick = 1; tick <= ticks; tick++) {
    const value = Float64Array.from(
      system.series,
      ({ usual, factor }) => usual * (tick > onsetTick ? factor : 1) * Math.exp(0.1 * normal()),
    )
    const timeUnixNano = BigInt(startSeconds + tick * 10) * second
    if (tick > ticks - 60) await sink.metrics(system.calls(BigInt(startSeconds + tick * 10)))
    await sink.metrics(gauges({ series: ids.slice(), value, timeUnixNano, plan: system.plan }))
  }
  const capabilities = new Map([[featureStore as never, instance.provides!.get(featureStore as never)]])
  const built = build(rca, 'timeout: 10m', { capabilities })
  built.context.clock.nowMs = () => performance.now()
  await built.instance.start?.()
  const lag = monitorEventLoopDelay({ resolution: 1 })
  const times: number[] = []
  let text = ''
  for (let round = 0; round <= rounds; round++) {
    const began = performance.now()
    if (round === 1) lag.enable()
    await built.handle(incidentOf(system, round))
    let diagnosis: string | undefined
    while (diagnosis === undefined) {
      await delay(1)
      await built.context.clock.advance(0)
      diagnosis = built.context.recorded.emitted.flatMap(({ batch }) =>
        [...(batch as Logs)].flatMap((record) => readDiagnosis(record)?.text ?? []),
      )[0]
    }
    built.context.recorded.emitted.length = 0
    if (round > 0) times.push(performance.now() - began)
    text = diagnosis
  }
  lag.disable()
  const median = times.sort((a, b) => a - b)[rounds >> 1]!
  console.log(
    `${String(services).padStart(6)} services, ${system.series.length} series, ${system.suffering.length} suffer: ${median.toFixed(0).padStart(6)} ms a diagnosis (longest ${times.at(-1)!.toFixed(0)}), ` +
      `event loop P99 ${(lag.percentile(99) / 1e6).toFixed(1)} ms, longest ${(lag.max / 1e6).toFixed(1)} ms`,
  )
  console.log(`       ${text}`)
  await built.instance.shutdown?.(AbortSignal.timeout(5_000))
  await instance.shutdown?.(AbortSignal.timeout(5_000))
}

function incidentOf(system: System, revision: number): Logs {
  const onset = BigInt(startSeconds + onsetTick * 10) * second
  const about = [system.slow, ...system.suffering.slice(0, 200)]
  const event: Incident = {
    schema: 1,
    id: eventId('vigil.incident', 'bench', String(revision)),
    incident_id: 'bench',
    incident_revision: revision,
    entity: about.at(-1)!,
    time: String(onset),
    observed_time: String(onset + 60n * second),
    severity: 'high',
    text: 'users wait',
    state: 'open',
    reason: revision === 0 ? 'opened' : 'joined',
    title: 'users wait',
    priority: 'p2',
    wakes: false,
    blind: false,
    flapping: false,
    opened: String(onset),
    members: about.map((of, i) => ({
      event_id: eventId('vigil.anomaly', String(i)),
      entity: of,
      type: 'slow',
      severity: 'high',
      since: String(onset),
      role: 'suspect',
      times: 1,
      text: `${entityLabel(of)} is slow`,
    })),
    left_out: 0,
    alarms: about.length,
    affected: [],
  }
  return eventLogs(undefined, (builder) => writeIncident(builder, event))
}

const sizes = process.argv.slice(2).map(Number)
for (const services of sizes.length > 0 ? sizes : [100, 500]) await measure(services)
