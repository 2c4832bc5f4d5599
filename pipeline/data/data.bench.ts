/** CPU time an item for what pipelines do with a batch: `node pipeline/data/data.bench.ts [filter]`. One process, 12 different payloads of 1,000 items. */
import { cpuMicros } from '../testing/cpu-bench.ts'
import { logsPayload, metricsPayload, tracesPayload } from '../testing/payloads.ts'
import { concat, noOrigin } from './batch.ts'
import { newDictionary } from './dictionary.ts'
import { rewriteMetrics } from './metric-rewrite.ts'
import { readOtlp } from './read-otlp.ts'
import type { MetricRewrite } from './rewritten-metric.ts'
import type { EditableAttributes, In, Metrics, PointPlan, Signal, Traces } from './telemetry.ts'
import { validate } from './validate.ts'
import { key } from './value.ts'

const items = 1000
const only = process.argv[2] ?? ''

interface Any {
  readonly count: number
  readonly chunks: readonly Uint8Array[]
  edit(change: (item: In & { readonly attributes: EditableAttributes }) => void): Any
  filter(keep: (item: In & { readonly attributes: EditableAttributes }) => boolean): Any
  slices(maxItems: number): Iterable<Any>
  columns(plan: PointPlan): unknown
}

async function measure(name: string, work: (round: number) => unknown, itemsARound = items): Promise<void> {
  if (!name.includes(only)) return
  const micros = (await cpuMicros(work, { windows: 10 })) / itemsARound
  console.log(
    `${name.padEnd(44)} ${micros.toFixed(3).padStart(8)} us/item ${(1 / micros).toFixed(2).padStart(8)} M items/CPU-s`,
  )
}

const payload = { traces: tracesPayload, logs: logsPayload, metrics: metricsPayload }
const team = key('team')
const route = key('http.route')
const service = key('service.name')

for (const signal of ['traces', 'logs', 'metrics'] as const satisfies readonly Signal[]) {
  const pool = Array.from({ length: 12 }, (_, seed) => payload[signal](items, { seed }).chunks[0]!)
  const body = (round: number) => pool[round % pool.length]!
  const batches = pool.map((chunk) => readOtlp<'traces' | 'logs' | 'metrics'>(signal, chunk, 'proto', noOrigin))
  const batch = (round: number) => batches[round % batches.length]! as unknown as Any
  const large = payload[signal](8192, { seed: 99 }) as unknown as Any
  const bytes = pool.reduce((sum, chunk) => sum + chunk.length, 0) / pool.length / items
  console.log(`${signal}: ${bytes.toFixed(0)} bytes an item`)

  await measure(`${signal} validate`, (i) => validate(signal, body(i)))
  await measure(`${signal} readOtlp and count`, (i) => readOtlp(signal, body(i), 'proto', noOrigin).count)
  await measure(
    `${signal} concat 8 batches`,
    (i) => concat<'traces' | 'logs' | 'metrics'>(signal, batches.slice(i % 4, (i % 4) + 8)).count,
    items * 8,
  )
  await measure(`${signal} edit: set one new attribute`, (i) =>
    batch(i).edit((item) => item.attributes.set(team, 'payments')),
  )
  await measure(`${signal} edit: replace an attribute`, (i) =>
    batch(i).edit((item) => {
      const value = item.attributes.get(route)
      if (typeof value === 'string') item.attributes.set(route, `${value}!`)
    }),
  )
  await measure(`${signal} edit: nothing set`, (i) => batch(i).edit((item) => item.attributes.get(team)))
  let kept = 0
  await measure(`${signal} filter: keep half`, (i) => batch(i).filter(() => (kept++ & 1) === 0))
  await measure(`${signal} filter: by attribute`, (i) =>
    batch(i).filter((item) => item.attributes.get(route) !== '/cart'),
  )
  await measure(`${signal} slices of 1,000 from 8,192`, () => [...large.slices(1000)].length, 8192)
  const dictionary = newDictionary(100_000)
  const series = newDictionary(1_000_000)
  await measure(`${signal} columns`, (i) => batch(i).columns({ dictionary, series }))
  await measure(`${signal} columns, 2 attributes`, (i) =>
    batch(i).columns({ dictionary, series, attributes: [route], resource: [service] }),
  )
  if (signal === 'metrics') {
    const metrics = batches as unknown as readonly Metrics[]
    const rewrite = (i: number, change: (metric: MetricRewrite) => void) =>
      rewriteMetrics(metrics[i % metrics.length]!, (group) => group.metrics.forEach(change))
    let seen = 0
    await measure('metrics rewrite: points read only', (i) => {
      rewrite(i, (metric) => {
        for (const point of metric.points) seen += point.value === undefined ? 0 : 1
      })
      return seen
    })
    await measure('metrics rewrite: every value set', (i) =>
      rewrite(i, (metric) => {
        for (const point of metric.points) if (point.kind === 'number') point.value = 123
      }),
    )
    await measure('metrics rewrite: temporality set', (i) =>
      rewrite(i, (metric) => {
        if (metric.type === 'sum' || metric.type === 'histogram') {
          metric.temporality = metric.temporality === 'delta' ? 'cumulative' : 'delta'
        }
      }),
    )
    await measure('metrics rewrite: identity of each point', (i) => {
      rewrite(i, (metric) => {
        for (const point of metric.points) seen += point.identity.length
      })
      return seen
    })
  }
  if (signal === 'traces') {
    const traces = batches as unknown as readonly Traces[]
    const groups = (i: number) => [...traces[i % traces.length]!.groupByTrace()]
    await measure('traces groupByTrace', (i) => groups(i).length)
    await measure('traces groupByTrace, bytes of each', (i) =>
      groups(i).reduce((sum, { spans }) => sum + spans.byteLength, 0),
    )
  }
}
