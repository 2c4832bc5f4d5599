/** CPU time of a tick, and what an entity takes, after an hour: `node --expose-gc processors/features/features.bench.ts [entities...]`. */
import { fromChunks } from '../../pipeline/data/batch.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { open, service, tick } from './features.fixture.ts'

const panesOfHour = 360
const sizes = process.argv.slice(2).map(Number)
const requestsPerPane = 100

function random(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

/** Of ten entities one is a service, five are operations, two instances, two edges; each has 10 requests a second. */
function tracePanes(entities: number, seed: number): Metrics {
  const draw = random(seed)
  const builder = newMetrics()
  const times = { startUnixNano: tick(0), timeUnixNano: tick(1) }
  const delta = { temporality: 'delta', monotonic: true } as const
  for (let of = 0; of < entities / 10; of++) {
    const id = `service:////service-${of}`
    const next = `service-${(of + 1) % Math.ceil(entities / 10)}`
    const all = [
      ['service', `service-${of}`],
      ...[0, 1, 2, 3, 4].map((i) => ['operation', `GET /things/${i}`] as const),
      ...[0, 1].map((i) => ['instance', `service-${of}-${i}`] as const),
      ...[0, 1].map((i) => ['edge', `service-${of} -> ${next}${i}`] as const),
    ] as const
    builder.resource(service(`service-${of}`)).scope('vigil/trace_features')
    const points = all.map(([kind, name]) => ({
      ...times,
      attributes: {
        'vigil.entity.kind': kind,
        'vigil.entity.name': name,
        ...(kind === 'edge' ? { 'vigil.edge.source': id, 'vigil.edge.target': `service:////${next}` } : {}),
      },
    }))
    const durations = (scale: number) =>
      points.map((point) => {
        const histogram = new ExponentialHistogram(160)
        for (let i = 0; i < requestsPerPane; i++)
          histogram.add(scale * Math.exp(Math.sqrt(-2 * Math.log(draw() || 0.5)) * Math.cos(6.28 * draw()) * 0.6), 1)
        const { count, sum, scale: of2, zeroCount, positive } = histogram
        return { ...point, count, sum, scale: of2, zeroCount, positive: positive.read() }
      })
    builder.sum(
      'vigil.trace.requests',
      points.map((point) => ({ ...point, value: double(requestsPerPane) })),
      delta,
    )
    builder.sum(
      'vigil.trace.errors',
      points.map((point) => ({ ...point, value: double(1) })),
      delta,
    )
    builder.sum(
      'vigil.trace.sampled',
      points.map((point) => ({ ...point, value: requestsPerPane })),
      delta,
    )
    builder.exponentialHistogram('vigil.trace.duration', durations(0.1), { temporality: 'delta', unit: 's' })
    builder.exponentialHistogram('vigil.trace.self_time', durations(0.05), { temporality: 'delta', unit: 's' })
  }
  return builder.build()
}

/** Each instance is scraped every 30 s. */
function scrape(entities: number, value: number): Metrics {
  const builder = newMetrics()
  const timeUnixNano = tick(1)
  for (let of = 0; of < entities / 10; of++)
    for (const i of [0, 1])
      builder
        .resource({ ...service(`service-${of}`), 'service.instance.id': `service-${of}-${i}`, 'service.version': '1' })
        .gauge('k8s.pod.cpu_limit_utilization', [{ value: 0.4, timeUnixNano }])
        .gauge('k8s.pod.memory_limit_utilization', [{ value: 0.5, timeUnixNano }])
        .gauge('k8s.container.restarts', [{ value: 1, timeUnixNano }])
        .sum('k8s.pod.network.io', [{ value, timeUnixNano }], { monotonic: true })
  return builder.build()
}

/** The same bytes with other times. */
function at(batch: Metrics, pane: number): Metrics {
  const chunk = Buffer.from(Buffer.concat(batch.chunks))
  for (const [from, to] of [
    [tick(1), tick(pane)],
    [tick(0), tick(pane - 1)],
  ] as const) {
    const pattern = Buffer.alloc(8)
    pattern.writeBigUInt64LE(from)
    for (let i = chunk.indexOf(pattern); i >= 0; i = chunk.indexOf(pattern, i + 8)) chunk.writeBigUInt64LE(to, i)
  }
  return fromChunks('metrics', [chunk], [batch.count])
}

function usedMiB(): number {
  // What typed arrays hold is given back a collection later.
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

async function measure(entities: number): Promise<void> {
  const templates = [1, 2, 3].map((seed) => tracePanes(entities, seed))
  const { take, context } = await open('{max_entities: 40000, max_series: 1000000}')
  const before = usedMiB()
  let cpu = 0
  let panes = 0
  let points = 0
  for (let pane = 1; pane <= panesOfHour; pane++) {
    const batches = [at(templates[pane % 3]!, pane)]
    if (pane % 3 === 0) batches.push(at(scrape(entities, pane * 1_000), pane))
    const began = process.cpuUsage()
    for (const batch of batches) await take(batch)
    const { user, system } = process.cpuUsage(began)
    if (pane > panesOfHour - 60) {
      cpu += user + system
      panes++
      for (const { batch } of context.recorded.emitted) points += batch.count
    }
    context.recorded.emitted.length = 0
  }
  const perTick = cpu / panes / 1_000
  const kib = ((usedMiB() - before) * 1_024) / entities
  const rss = process.memoryUsage.rss() / 2 ** 20
  console.log(
    `${String(entities).padStart(7)} entities ${perTick.toFixed(0).padStart(7)} ms CPU a tick ${((perTick / entities) * 1_000).toFixed(1).padStart(6)} us an entity ${(points / panes / entities).toFixed(1).padStart(5)} features an entity ${kib.toFixed(1).padStart(6)} KiB an entity  RSS ${rss.toFixed(0)} MiB`,
  )
}

for (const entities of sizes.length > 0 ? sizes : [1_000, 10_000]) await measure(entities)
