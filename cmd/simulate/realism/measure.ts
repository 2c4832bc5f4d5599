/** Plays a topology, looks at nothing but the telemetry that leaves it, and says where that is not like what was observed on real systems. */
import { quiet } from '../scenario/read.ts'
import { prepare } from '../scenario/run.ts'
import type { Step, Topology } from '../topology/schema.ts'
import { type Injected, inject } from './injections.ts'
import { type Finding, finding, observed, type Quantity } from './observed.ts'
import { type InstanceSeries, Seen } from './seen.ts'
import {
  deviationOf,
  distanceOf,
  lag1Of,
  meanOf,
  medianOf,
  normalBelow,
  quantileOf,
  spikesOf,
  variationOf,
} from './statistics.ts'

export interface RealismOptions {
  readonly topology: Topology
  readonly seed: number
  /** Of the quiet world that are looked at. */
  readonly seconds: number
  /** Faults that are injected one after the other; 0 = only the quiet world is looked at. */
  readonly injections: number
  /** Quiet worlds of seeds one after the other: the weather of one is not that of another. */
  readonly worlds: number
}

const warmUpMs = 15_000
const wantedTraces = 4_000
const leastSpans = 40
/** Latency was observed as a rate over a window, as Prometheus has it. */
const latencyWindow = 11
const startMs = Date.UTC(2026, 10, 21, 10)
/** A fault shows to users when their requests take so much longer, or so many more fail. */
const effectFactor = 1.15
const effectShare = 0.005
const normalP90 = 1.281_552

export function measureRealism(options: RealismOptions): readonly Finding[] {
  return [...measureQuiet(options), ...(options.injections > 0 ? measureFaults(options) : [])]
}

/** The median over all worlds counts. */
export function measureQuiet(options: Omit<RealismOptions, 'injections'>): readonly Finding[] {
  const { seed, worlds } = options
  const each = Array.from({ length: worlds }, (_, i) => measureWorld({ ...options, seed: seed + i }))
  return each[0]!.map(({ quantity }, i) => finding(quantity, ...each.map((findings) => findings[i]!.value)))
}

function measureWorld({ topology, seed, seconds }: Omit<RealismOptions, 'injections' | 'worlds'>): readonly Finding[] {
  const sampling = Math.min(1, wantedTraces / (topology.users.rate * seconds))
  const observation = { ...quiet.observation, scrape: 1_000, requestLogEvery: 1_000_000, lateShare: 0, skew: 0 }
  const scenario = { ...quiet, observation: { ...observation, lostSpans: 0, missedScrapes: 0, sampling } }
  let seen = new Seen()
  const { world, exports } = prepare({ topology, scenario, seed, startMs, send: (batch) => seen.add(batch) })
  world.runUntil(warmUpMs)
  exports.flushAll()
  seen = new Seen()
  world.runUntil(warmUpMs + seconds * 1_000)
  // The last spans of a trace may be still to come.
  exports.flushAll()
  return [...ofTraces(seen, topology), ...ofSeries(seen, topology)]
}

function ofTraces(seen: Seen, topology: Topology): readonly Finding[] {
  const whole = [...seen.traces.values()].filter(({ root }) => root !== undefined)
  const spans = whole.map((trace) => trace.spans)
  const roots = whole.flatMap(({ root }) => root?.ms ?? [])
  const often = [...seen.operations.values()].filter((durations) => durations.length >= leastSpans)
  const sigmas = often.map((durations) => deviationOf(durations.map((ms) => Math.log(Math.max(1e-3, ms)))))
  const variations = often.map(variationOf)
  const services = new Set(
    [...seen.instances.values()].filter((one) => one.durationCount.length > 0).map((one) => one.service),
  )
  const edges = seen.edges()
  const all = dependencies(topology)
  return [
    finding('spans per trace, p50', medianOf(spans)),
    finding('spans per trace, p90', quantileOf(spans, 0.9)),
    finding('root duration ms, p50', medianOf(roots)),
    finding('root duration ms, p90', quantileOf(roots, 0.9)),
    finding('root duration ms, p99', quantileOf(roots, 0.99)),
    finding('operation sigma, median', medianOf(sigmas)),
    finding('operation sigma, p90', quantileOf(sigmas, 0.9)),
    finding('operation sigma, KS', sigmaDistance(sigmas)),
    finding('operation CV, median', medianOf(variations)),
    finding('operation CV, p90', quantileOf(variations, 0.9)),
    finding('edges per service', edges.size / services.size),
    finding('hidden dependencies', all.hidden / all.all),
  ]
}

function ofSeries(seen: Seen, topology: Topology): readonly Finding[] {
  const instances = [...seen.instances.values()]
  const own = instances.filter(({ durationCount }) => durationCount.length > 2 * latencyWindow)
  const latencies = [...byService(own).values()].map(latencyOf).filter((values) => values.length > latencyWindow)
  const entries = new Set(topology.users.operations.map(({ call }) => call.slice(0, call.indexOf('/'))))
  const load = summed(
    own.filter(({ service }) => entries.has(service)).map(({ durationCount }) => differences(durationCount)),
  )
  return [
    finding('CPU utilization, median', medianOf(own.map(({ cpuShare }) => meanOf(cpuShare)))),
    finding('CPU CV, median', medianOf(own.map(({ cpu }) => variationOf(cpu)))),
    finding('CPU lag-1, median', medianOf(own.map(({ cpu }) => lag1Of(cpu)))),
    finding('latency lag-1, median', medianOf(latencies.map(lag1Of))),
    finding('latency CV, median', medianOf(latencies.map(variationOf))),
    finding('load CV', variationOf(load)),
    finding('CPU spikes, median', medianOf(own.map(({ cpu }) => spikesOf(cpu)))),
    finding(
      'memory spikes, p95',
      quantileOf(
        own.map(({ memory }) => spikesOf(memory)),
        0.95,
      ),
    ),
  ]
}

export function measureFaults({
  topology,
  seed,
  injections,
}: Omit<RealismOptions, 'seconds' | 'worlds'>): readonly Finding[] {
  const all = inject(topology, seed, injections)
  const of = (sort: string) => all.filter((one) => one.sort === sort)
  const slowed = (one: Injected) => Math.max(one.usual, one.slow)
  const hit = all.filter((one) => slowed(one) > effectFactor || one.availability < 1 - effectShare)
  const latency = all.map(slowed).filter((factor) => factor > effectFactor)
  const median = (quantity: Quantity, values: readonly number[]) => finding(quantity, medianOf(values))
  return [
    median(
      'CPU fault, CPU at root, median',
      of('cpu').map(({ cpu }) => cpu),
    ),
    median(
      'CPU fault, latency of users, median',
      of('cpu').map(({ usual }) => usual),
    ),
    median(
      'memory fault, memory at root, median',
      of('memory').map(({ memory }) => memory),
    ),
    median(
      'delay fault, end-to-end p90, median',
      of('delay').map(({ slow }) => slow),
    ),
    finding('SLI latency effect, p10', quantileOf(latency, 0.1)),
    median('SLI latency effect, median', latency),
    finding('SLI latency effect, p90', quantileOf(latency, 0.9)),
    median(
      'mild errors, availability',
      hit.filter(({ sort }) => sort === 'errors').map(({ availability }) => availability),
    ),
    median(
      'metric alerts per fault, median',
      all.map(({ alerts }) => alerts),
    ),
    median(
      'trace alerts per fault, median',
      all.map(({ traceAlerts }) => traceAlerts),
    ),
    median(
      'log alerts per fault, median',
      all.map(({ logAlerts }) => logAlerts),
    ),
    finding('root emits an alert', meanOf(all.map(({ isRootAlerting }) => (isRootAlerting ? 1 : 0)))),
    finding('injections with SLI effect', hit.length / all.length),
  ]
}

/**
 * How far the sigmas of operations are from those that were observed, as a share of what chance alone would bring in one of twenty. Of those a median and a ninetieth
 * percentile are known, each as a range over systems: the nearest log-normal distribution within both counts.
 */
function sigmaDistance(sigmas: readonly number[]): number {
  const [medians, tops] = [observed['operation sigma, median'], observed['operation sigma, p90']]
  const steps = Array.from({ length: 14 }, (_, i) => i / 13)
  const distances = steps.flatMap((a) =>
    steps.map((b) => {
      const median = medians.low + a * (medians.high - medians.low)
      const spread = Math.log((tops.low + b * (tops.high - tops.low)) / median) / normalP90
      return distanceOf(sigmas, (sigma) => normalBelow(Math.log(sigma / median) / spread))
    }),
  )
  return Math.min(...distances) / (1.358 / Math.sqrt(sigmas.length))
}

function byService(instances: readonly InstanceSeries[]): ReadonlyMap<string, readonly InstanceSeries[]> {
  return Map.groupBy(instances, ({ service }) => service)
}

/** The mean latency of a service over a window, at every scrape. */
function latencyOf(instances: readonly InstanceSeries[]): readonly number[] {
  const counts = summed(instances.map(({ durationCount }) => durationCount))
  const sums = summed(instances.map(({ durationSum }) => durationSum))
  const means: number[] = []
  for (let i = latencyWindow; i < counts.length; i++) {
    const count = counts[i]! - counts[i - latencyWindow]!
    if (count > 0) means.push((sums[i]! - sums[i - latencyWindow]!) / count)
  }
  return means
}

/** Position by position; as long as the shortest. */
function summed(series: readonly (readonly number[])[]): readonly number[] {
  const length = Math.min(...series.map((one) => one.length))
  return Array.from({ length }, (_, i) => series.reduce((sum, one) => sum + one[i]!, 0))
}

function differences(counts: readonly number[]): readonly number[] {
  return counts.slice(1).map((count, i) => count - counts[i]!)
}

/** Of all pairs of services where one needs the other, those whose callee has no agent. What is not in the telemetry can only be known from the topology. */
function dependencies({ services }: Topology): { readonly all: number; readonly hidden: number } {
  const pairs = new Set<string>()
  const hidden = new Set<string>()
  for (const [name, service] of Object.entries(services)) {
    if (service.kind !== 'service') continue
    for (const { steps } of Object.values(service.operations)) {
      for (const target of targets(steps, services)) {
        const callee = target.slice(0, target.indexOf('/'))
        const pair = `${name} > ${callee}`
        pairs.add(pair)
        if (services[callee]?.kind !== 'service') hidden.add(pair)
      }
    }
  }
  return { all: pairs.size, hidden: hidden.size }
}

function targets(steps: readonly Step[], services: Topology['services']): readonly string[] {
  return steps.flatMap((step) => {
    if ('call' in step) return [step.call]
    if ('send' in step) return consumersOf(step.send, services)
    if ('parallel' in step) return targets(step.parallel, services)
    if ('cache' in step) return [`${step.cache}/GET`, ...targets(step.miss, services)]
    return targets(step.steps, services)
  })
}

/** A trace goes through a queue: whoever takes the message is the callee. */
function consumersOf(topic: string, services: Topology['services']): readonly string[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const operation = service.kind === 'service' ? service.consumes[topic] : undefined
    return operation === undefined ? [] : [`${name}/${operation}`]
  })
}
