/** Faults as those who made the public data sets injected them: one after the other, at places drawn by chance, strong and weak. */
import { makeFault } from '../scenario/fault.ts'
import { quiet } from '../scenario/read.ts'
import { prepare } from '../scenario/run.ts'
import type { FaultSpec } from '../scenario/schema.ts'
import type { Topology } from '../topology/schema.ts'
import { Random } from '../world/random.ts'
import type { World } from '../world/world.ts'
import { type Root, Seen } from './seen.ts'
import { deviationOf, meanOf, medianOf, quantileOf } from './statistics.ts'

const warmUpMs = 20_000
const beforeMs = 60_000
const faultMs = 60_000
/** A fault shows fully after this long. */
const settleMs = 15_000
const calmMs = 30_000
const scrapeMs = 5_000
const alertDeviations = 3
/** Of root spans that are received a second; enough for a p90. */
const rootsPerSecond = 15
const startMs = Date.UTC(2026, 10, 21, 10)

type Sort = 'cpu' | 'memory' | 'delay' | 'errors' | 'slow'
const sorts: readonly Sort[] = ['cpu', 'delay', 'memory', 'errors', 'slow']

export interface Injected {
  readonly sort: Sort
  readonly service: string
  /** At the instances of the root, as a factor. */
  readonly cpu: number
  readonly memory: number
  /** What users got: factors on the median and the p90 of latency; the share that did not fail because of it. */
  readonly usual: number
  readonly slow: number
  readonly availability: number
  /** Of metrics, of spans by operation, of lines by service. */
  readonly alerts: number
  readonly traceAlerts: number
  readonly logAlerts: number
  readonly isRootAlerting: boolean
}

export function inject(topology: Topology, seed: number, count: number): readonly Injected[] {
  const random = new Random(seed, 'injections')
  const observation = {
    ...quiet.observation,
    scrape: scrapeMs,
    requestLogEvery: 1_000_000,
    skew: 0,
    late: 0,
    lateShare: 0,
  }
  const scenario = {
    ...quiet,
    observation: {
      ...observation,
      lostSpans: 0,
      missedScrapes: 0,
      sampling: Math.min(1, rootsPerSecond / topology.users.rate),
    },
  }
  let seen = new Seen()
  const { world, exports } = prepare({ topology, scenario, seed, startMs, send: (batch) => seen.add(batch) })
  world.runUntil(warmUpMs)
  const injected: Injected[] = []
  for (let i = 0; i < count; i++) {
    exports.flushAll()
    seen = new Seen()
    world.runUntil(world.schedule.now + beforeMs)
    const sort = sorts[i % sorts.length]!
    const { service, perSecond } = draw(random, seen)
    const at = world.schedule.now
    const fault = makeFault(specOf(random, sort, service, perSecond, world), { world, exports })
    fault.start()
    world.runUntil(at + faultMs)
    if (fault.isPresent()) fault.stop()
    if (sort === 'memory') world.cluster.restart(world.service(service))
    exports.flushAll()
    injected.push({ sort, service, ...effects(seen, service, startMs + at) })
    world.runUntil(world.schedule.now + calmMs)
  }
  return injected
}

/** A service that users need, and how many requests an instance of it gets. */
function draw(random: Random, seen: Seen): { readonly service: string; readonly perSecond: number } {
  const busy = [...seen.instances.values()].filter(({ durationCount }) => durationCount.length > 1)
  const one = random.pick(busy)
  const { durationCount: counts, durationAtMs: at } = one
  return { service: one.service, perSecond: (1_000 * (counts.at(-1)! - counts[0]!)) / (at.at(-1)! - at[0]!) }
}

function specOf(random: Random, sort: Sort, service: string, perSecond: number, world: World): FaultSpec {
  const { spec, operations } = world.service(service)
  const operation = `${service}/${random.pick([...operations.keys()])}`
  switch (sort) {
    case 'cpu':
      return { type: 'cpu_hog', service, cores: spec.cores * random.between(0.8, 2), share: 1 }
    case 'memory':
      return { type: 'memory_leak', service, perRequest: spec.memory / Math.max(1, perSecond) / random.between(30, 90) }
    case 'delay':
      return { type: 'latency', service, delay: Math.round(random.between(50, 500)) }
    case 'errors':
      return {
        type: 'errors',
        operation,
        share: random.between(0.02, 0.2),
        early: false,
        errorType: 'TimeoutException',
      }
    case 'slow':
      return { type: 'slow_operation', operation, cpu: random.between(1, 4), wait: random.between(2, 20) }
  }
}

function effects(seen: Seen, service: string, faultAtMs: number) {
  const roots = [...seen.traces.values()].flatMap(({ root }) => root ?? [])
  const before = roots.filter(({ atMs }) => atMs < faultAtMs)
  const during = roots.filter(({ atMs }) => atMs >= faultAtMs + settleMs)
  const times = (of: readonly Root[], q: number) =>
    quantileOf(
      of.map(({ ms }) => ms),
      q,
    )
  let [alerts, rootAlerts] = [0, 0]
  const [cpu, memory]: [number[], number[]] = [[], []]
  for (const one of seen.instances.values()) {
    const first = one.cpuAtMs.findIndex((at) => at >= faultAtMs)
    const firstDuration = one.durationAtMs.findIndex((at) => at >= faultAtMs)
    const rates = differences(one.durationCount)
    const means = differences(one.durationSum).map((sum, i) => sum / Math.max(1, rates[i]!))
    const failures = differences(one.failures)
    const raised = [
      isAlert(one.cpu, first),
      isAlert(one.memory, first),
      isAlert(means, firstDuration),
      isAlert(rates, firstDuration),
      isAlert(failures, firstDuration),
    ].filter(Boolean).length
    alerts += raised
    if (one.service !== service) continue
    rootAlerts += raised
    if (first > 2) {
      cpu.push(medianOf(one.cpu.slice(first + settleMs / scrapeMs)) / medianOf(one.cpu.slice(0, first)))
      memory.push(Math.max(...one.memory.slice(first)) / medianOf(one.memory.slice(0, first)))
    }
  }
  return {
    cpu: medianOf(cpu),
    memory: medianOf(memory),
    usual: times(during, 0.5) / times(before, 0.5),
    slow: times(during, 0.9) / times(before, 0.9),
    availability: 1 - Math.max(0, failedShare(during) - failedShare(before)),
    alerts,
    traceAlerts: traceAlerts(seen, faultAtMs),
    logAlerts: logAlerts(seen, faultAtMs),
    isRootAlerting: rootAlerts > 0,
  }
}

/** Of operations that got slower or faster, and of those that fail more or less often. */
function traceAlerts(seen: Seen, faultAtMs: number): number {
  let alerts = 0
  for (const spans of seen.spans.values()) {
    const buckets = bucketsOf(spans, faultAtMs).filter((bucket) => bucket.length > 0)
    const first = buckets.findIndex((bucket) => bucket[0]!.atMs >= faultAtMs)
    if (
      isAlert(
        buckets.map((bucket) => meanOf(bucket.map(({ ms }) => ms))),
        first,
      )
    )
      alerts++
    if (
      isAlert(
        buckets.map((bucket) => bucket.filter(({ isError }) => isError).length),
        first,
      )
    )
      alerts++
  }
  return alerts
}

/** Of services that write more warnings and errors than they did. */
function logAlerts(seen: Seen, faultAtMs: number): number {
  let alerts = 0
  for (const times of seen.warnings.values()) {
    const buckets = bucketsOf(
      times.map((atMs) => ({ atMs })),
      faultAtMs,
    )
    if (
      isAlert(
        buckets.map(({ length }) => length),
        beforeMs / scrapeMs,
      )
    )
      alerts++
  }
  return alerts
}

/** From a minute before a fault to a minute after its begin. */
function bucketsOf<T extends { readonly atMs: number }>(
  items: readonly T[],
  faultAtMs: number,
): readonly (readonly T[])[] {
  const buckets: T[][] = Array.from({ length: (beforeMs + faultMs) / scrapeMs }, () => [])
  for (const item of items) buckets[Math.floor((item.atMs - faultAtMs + beforeMs) / scrapeMs)]?.push(item)
  return buckets
}

function failedShare(roots: readonly Root[]): number {
  return meanOf(roots.map(({ isError }) => (isError ? 1 : 0)))
}

/** As k-sigma rules have it: a value far from what was usual before. */
function isAlert(values: readonly number[], first: number): boolean {
  if (first < 4) return false
  const before = values.slice(0, first)
  const mean = meanOf(before)
  const far = alertDeviations * Math.max(deviationOf(before), 1e-3 * Math.abs(mean), 1e-9)
  return values.slice(first).some((value) => Math.abs(value - mean) > far)
}

function differences(counts: readonly number[]): readonly number[] {
  return counts.map((count, i) => count - (counts[i - 1] ?? count))
}
