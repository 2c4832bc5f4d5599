/** What a processor that keeps state by metric stream costs: CPU a point, and memory a stream, over 100,000 streams. */
import type { Factory } from '../component.ts'
import { fromChunks } from '../data/batch.ts'
import { newMetrics } from '../data/builders.ts'
import type { Metrics, Temporality } from '../data/telemetry.ts'
import { build } from './build.ts'

const streams = 100_000
const pointsPerBatch = 1_000
const startUnixNano = 1_700_000_000_000_000_000n
const bounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000]

interface Setting {
  readonly temporality: Temporality
  /** Of sums and histograms; without it the start is unknown. */
  readonly isStarted: boolean
}
type Kind = 'sum' | 'histogram' | 'exponential'

/** A point of each stream in round `round`: four attributes of about 130 bytes which no other stream has, 50 points a metric, 20 metrics a request. */
function batchesOf(kind: Kind, round: number, { temporality, isStarted }: Setting): Metrics[] {
  const batches: Metrics[] = []
  for (let first = 0; first < streams; first += pointsPerBatch) {
    const to = newMetrics()
      .resource({
        'service.name': 'checkout',
        'host.name': `node-${first / pointsPerBatch}`,
        'k8s.namespace.name': 'shop',
      })
      .scope('http', { version: '1.2.3' })
    for (let i = first; i < first + pointsPerBatch; i += 50) {
      const points = Array.from({ length: 50 }, (_, p) => ({
        startUnixNano: isStarted ? startUnixNano : 0n,
        timeUnixNano: startUnixNano + BigInt((round + 1) * 10_000_000_000),
        attributes: {
          'http.request.method': 'GET',
          'http.route': `/api/v1/items/{id}/${i + p}`,
          'http.response.status_code': 200,
          'server.address': 'shop.example.com',
        },
      }))
      const name = `http.server.metric.${i}`
      const options = { temporality, unit: 'ms' }
      const n = round * 7 + 3
      if (kind === 'sum')
        to.sum(
          name,
          points.map((point) => ({ ...point, value: n })),
          { ...options, monotonic: true },
        )
      else if (kind === 'histogram') {
        const counts = Array<number>(16).fill(n)
        to.histogram(
          name,
          points.map((point) => ({ ...point, count: n * 16, sum: n * 100, counts, bounds })),
          options,
        )
      } else {
        const positive = { offset: -20, counts: Array<number>(40).fill(n) }
        const distributions = points.map((point) => ({ ...point, count: n * 40, sum: n * 100, scale: 3, positive }))
        to.exponentialHistogram(name, distributions, options)
      }
    }
    batches.push(to.build())
  }
  return batches
}

/** As they come in: a batch caches what was read of it. */
function fresh(batches: readonly Metrics[]): Metrics[] {
  return batches.map(({ chunks, count, origin }) => fromChunks('metrics', [chunks[0]!], [count], origin))
}

const maxRounds = 6

/** Prints a line by kind of metric. Memory only under `--expose-gc`. */
export async function benchStreams(
  factory: Factory,
  yaml: string,
  setting: Setting,
  kinds: readonly Kind[] = ['sum', 'histogram', 'exponential'],
): Promise<void> {
  for (const kind of kinds) {
    const rounds = Array.from({ length: maxRounds }, (_, round) => batchesOf(kind, round, setting))
    const { instance } = build(factory, yaml, { signals: ['metrics'] })
    await instance.start?.()
    const handle = (instance.metrics as unknown as (batch: Metrics) => unknown).bind(instance)
    const before = await used()
    for (const batch of fresh(rounds[0]!)) handle(batch)
    const bytes = ((await used()) - before) / streams
    let micros = Number.POSITIVE_INFINITY
    for (const round of rounds.slice(1)) {
      const batches = fresh(round)
      const start = process.cpuUsage()
      for (const batch of batches) handle(batch)
      const { user, system } = process.cpuUsage(start)
      micros = Math.min(micros, (user + system) / streams)
    }
    const memory = Number.isNaN(bytes) ? '' : `${bytes.toFixed(0).padStart(7)} bytes/stream`
    console.log(`${factory.type.padEnd(22)} ${kind.padEnd(12)} ${micros.toFixed(2).padStart(7)} us/point ${memory}`)
  }
}

/** What lives after the garbage is gone; array buffers go a turn later than their arrays. */
async function used(): Promise<number> {
  if (global.gc === undefined) return Number.NaN
  for (let i = 0; i < 5; i++) {
    global.gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
