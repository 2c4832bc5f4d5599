/**
 * 50,000 traces in flight and 5 policies, through a minute of stream time: `node processors/tail_sampling/tail_sampling.bench.ts`.
 * Prints CPU per span, memory per trace, and for how long requests and ticks hold up the event loop.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { parse } from 'yaml'
import type { Clock } from '../../pipeline/component.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Batch, Traces } from '../../pipeline/data/telemetry.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import factory from './index.ts'

const inFlight = 50_000
const waitSeconds = 30
const spansOfTrace = 10
/** A trace comes in so many requests, one of each service. */
const requestsOfTrace = 3
const tracesOfRequest = 100
const tracesPerSecond = Math.ceil(inFlight / waitSeconds)
const seconds = 45

const yaml = `
decision_wait: ${waitSeconds}s
num_traces: 200000
policies:
  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
  - {name: slow, type: latency, latency: {threshold_ms: 900}}
  - {name: route, type: string_attribute, string_attribute: {key: http.route, values: ["/checkout"]}}
  - {name: big, type: span_count, span_count: {min_spans: 50}}
  - {name: share, type: probabilistic, probabilistic: {sampling_percentage: 5}}
`

/** Stream time for the ticks, wall time for slices. */
class BenchClock implements Clock {
  private offsetMs = 0
  private due: { readonly atMs: number; readonly run: () => void | Promise<void> } | undefined

  nowMs(): number {
    return performance.now() + this.offsetMs
  }
  nowUnixNano(): bigint {
    return BigInt(Math.round(this.nowMs() * 1e6))
  }
  after(ms: number, run: () => void | Promise<void>): () => void {
    this.due = { atMs: this.nowMs() + ms, run }
    return () => {}
  }
  every(): () => void {
    throw new Error('not used')
  }
  async tick(): Promise<void> {
    const { due } = this
    if (due === undefined) return
    this.due = undefined
    this.offsetMs += Math.max(0, due.atMs - this.nowMs())
    await due.run()
  }
}

let random = 1
function next(): number {
  random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff
  return random / 0x8000_0000
}
const id = (digits: number) =>
  Array.from({ length: digits / 8 }, () =>
    Math.floor(next() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')

function request(service: string, ids: readonly string[]): Traces {
  const builder = newTraces().resource({
    'service.name': service,
    'service.version': '1.4.2',
    'deployment.environment.name': 'production',
    'k8s.pod.name': `${service}-7c9d4f5b6-x2x9z`,
  })
  const start = 1_700_000_000_000_000_000n
  for (const traceId of ids)
    for (let i = 0; i < spansOfTrace / requestsOfTrace; i++) {
      const slow = next() < 0.01 ? 1_000_000_000n : 40_000_000n
      builder.span({
        name: `GET /api/${service}/{id}`,
        traceId,
        spanId: id(16),
        parentSpanId: id(16),
        startUnixNano: start,
        endUnixNano: start + slow,
        attributes: {
          'http.request.method': 'GET',
          'http.route': `/api/${service}`,
          'http.response.status_code': 200,
          'server.address': 'shop.example.com',
        },
      })
    }
  return builder.build()
}

const services = ['checkout', 'payment', 'inventory']
function secondOfRequests(): readonly Traces[] {
  const requests: Traces[] = []
  for (let from = 0; from < tracesPerSecond; from += tracesOfRequest) {
    const ids = Array.from({ length: Math.min(tracesOfRequest, tracesPerSecond - from) }, () => id(32))
    for (const service of services) requests.push(request(service, ids))
  }
  return requests
}

const clock = new BenchClock()
const context = testContext({ signals: ['traces'] })
const instance = factory.create(factory.config.parse(parse(yaml)), {
  ...context,
  clock,
  emit: { ...context.emit, traces: async () => {} },
})
const handle = instance.traces as unknown as (batch: Batch) => unknown
await instance.start?.()

const delay = monitorEventLoopDelay({ resolution: 1 })
// What one turn of the event loop takes of the CPU: unlike its delay it does not depend on what else runs on the machine.
const turnMs: number[] = []
function watchTurns(): void {
  const { user, system } = process.threadCpuUsage()
  turnMs.push((user + system - turnStart) / 1_000)
  turnStart = user + system
  if (isWatching) globalThis.setImmediate(watchTurns)
}
let turnStart = 0
let isWatching = true
let [spans, micros] = [0, 0]
const tickMs: number[] = []
const handleMs: number[] = []
const before = process.memoryUsage()
// What makes the requests is not what is measured.
const measured = Array.from({ length: seconds - waitSeconds }, () => secondOfRequests())
for (let second = 0; second < seconds; second++) {
  const isMeasured = second >= waitSeconds
  const requests = isMeasured ? measured.shift()! : secondOfRequests()
  if (second === waitSeconds) {
    globalThis.gc?.()
    await setImmediate()
    delay.enable()
    const { user, system } = process.threadCpuUsage()
    turnStart = user + system
    globalThis.setImmediate(watchTurns)
  }
  const cpu = process.cpuUsage()
  for (const batch of requests) {
    const start = performance.now()
    await handle(batch)
    if (isMeasured) {
      handleMs.push(performance.now() - start)
      spans += batch.count
    }
    await setImmediate()
  }
  const start = performance.now()
  await clock.tick()
  const { user, system } = process.cpuUsage(cpu)
  if (!isMeasured) continue
  tickMs.push(performance.now() - start)
  micros += user + system
}
delay.disable()
isWatching = false
const largest = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!
const gauge = (name: string) => context.recorded.gauges.get(`otelcol_processor_tail_sampling_${name}`)?.() ?? 0
const undecided = waitSeconds * tracesPerSecond
const line = (name: string, value: string) => console.log(`${name.padEnd(44)} ${value.padStart(12)}`)
line('traces in flight', String(undecided))
line('spans of a trace', String(spansOfTrace - (spansOfTrace % requestsOfTrace)))
line('CPU', `${(micros / spans).toFixed(2)} us/span`)
line('held_bytes of a trace', `${Math.round(gauge('held_bytes') / undecided)} B`)
// What buffers leave behind goes with the second round.
for (let round = 0; round < 2; round++) {
  globalThis.gc?.()
  await setTimeout(100)
}
const after = process.memoryUsage()
line(
  'heap and buffers of a trace (--expose-gc)',
  `${Math.round((after.heapUsed + after.external - before.heapUsed - before.external) / undecided)} B`,
)
line(
  'CPU of an event loop turn, P99 / longest',
  `${largest(turnMs, 0.99).toFixed(1)} / ${largest(turnMs, 1).toFixed(1)} ms`,
)
line('a tick, median / longest', `${largest(tickMs, 0.5).toFixed(1)} / ${largest(tickMs, 1).toFixed(1)} ms`)
line('a request, P99 / longest', `${largest(handleMs, 0.99).toFixed(1)} / ${largest(handleMs, 1).toFixed(1)} ms`)
line('event loop delay, P99', `${(delay.percentile(99) / 1e6).toFixed(1)} ms`)
line('event loop delay, max', `${(delay.max / 1e6).toFixed(1)} ms`)
process.exit(0)
