/**
 * What a benchmark plays: incidents and quiet days, drawn from a seed. The same topology, size and seed are the same set, and `hash` says so:
 * a set is frozen before anything is tuned on it.
 */
import { createHash } from 'node:crypto'
import { parseScenario } from '../simulate/scenario/read.ts'
import type { BenignSpec, FaultSpec, Scenario } from '../simulate/scenario/schema.ts'
import { simulatorVersion } from '../simulate/scenario/write-truth.ts'
import { split } from '../simulate/topology/read.ts'
import type { Topology } from '../simulate/topology/schema.ts'
import { Random } from '../simulate/world/random.ts'
import { drawBenign, drawFault, drawInnocentDeploy, knownTypes, Targets, unknownType } from './draw-fault.ts'

/** Of how sets are drawn: it grows when the same seed no longer gives the same set. */
const setVersion = 2

export interface SetSize {
  readonly incidents: number
  readonly quietDays: number
  /** Users' requests a second while an incident is played; what is planned for more has room to spare then. */
  readonly incidentRate: number
  /** The same on quiet days. */
  readonly quietRate: number
}

export interface Run {
  readonly name: string
  readonly topology: Topology
  readonly scenario: Scenario
  readonly seed: number
  readonly startMs: number
  /** What comes before is for learning and judges nobody. */
  readonly warmUpMs: number
  /** Telemetry is brought together in windows of this length. */
  readonly windowMs: number
  readonly isQuiet: boolean
  readonly isDouble: boolean
}

export interface ScenarioSet {
  readonly version: string
  readonly hash: string
  readonly runs: readonly Run[]
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const doubleShare = 0.125
const unknownShare = 0.05
const innocentShare = 0.6
/** Who says nothing of what he does not know yet needs half an hour. */
const incidentWarmUpMs = 40 * minuteMs
const afterMs = 3 * minuteMs
const quietWarmUpMs = 60 * minuteMs
/** A world that is played longer than this remembers more than it should of the truth about each pane. */
const quietDaysInRun = 3
const benignPerDay = 8
/** Any Saturday: runs begin at random times of the fortnight after it. */
const epochMs = Date.parse('2026-11-07T00:00:00Z')

export function drawSet(topology: Topology, seed: number, size: SetSize): ScenarioSet {
  const runs = [...incidentRuns(topology, seed, size), ...quietRuns(topology, seed, size)]
  const hash = createHash('sha256')
    .update(JSON.stringify([simulatorVersion, setVersion, runs]))
    .digest('hex')
  return {
    version: `${simulatorVersion}.${setVersion}`,
    hash: hash.slice(0, 16),
    runs,
  }
}

/** Of runs: how many faults there are, and the share of the simulated time without one. */
export function faultsIn(runs: readonly Run[]): { readonly faults: number; readonly faultFree: number } {
  let [all, faulty, faults] = [0, 0, 0]
  for (const { scenario } of runs) {
    all += scenario.duration
    const times = scenario.events.filter(({ fault }) => fault !== undefined)
    faults += times.length
    faulty += times.reduce((sum, one) => sum + (one.for ?? 0), 0)
  }
  return { faults, faultFree: all === 0 ? 1 : 1 - faulty / all }
}

function* incidentRuns(topology: Topology, seed: number, { incidents, incidentRate }: SetSize): Iterable<Run> {
  const slower = withRate(topology, incidentRate)
  const targets = new Targets(slower)
  const order = new Random(seed, 'fault types')
  let types: readonly FaultSpec['type'][] = []
  for (let i = 0; i < incidents; i++) {
    const random = new Random(seed, `incident ${i}`)
    // Each type once before any comes again. The unknown class is dealt evenly too, so that a small set has its share.
    if (types.length === 0) types = shuffled(order, knownTypes)
    let fault: FaultSpec | undefined
    if (hits(i, unknownShare)) fault = drawFault(unknownType, random, targets)
    while (fault === undefined) {
      fault = drawFault(types[0]!, random, targets)
      types = types.length > 1 ? types.slice(1) : shuffled(order, knownTypes)
    }
    yield incidentRun(i, fault, { topology: slower, targets, random, seed })
  }
}

interface Drawing {
  readonly topology: Topology
  readonly targets: Targets
  readonly random: Random
  readonly seed: number
}

function incidentRun(i: number, fault: FaultSpec, { topology, targets, random, seed }: Drawing): Run {
  const at = incidentWarmUpMs + random.between(minuteMs, 3 * minuteMs)
  const length = random.between(5 * minuteMs, 8 * minuteMs)
  const duration = at + length + afterMs
  const events: Scenario['events'] = [{ at, for: length, fault }]
  const isDouble = hits(i + 3, doubleShare)
  if (isDouble) {
    const others = knownTypes.filter((type) => type !== fault.type)
    let second: FaultSpec | undefined
    while (second === undefined) second = drawFault(random.pick(others), random, targets)
    events.push({ at: at + random.between(0, 2 * minuteMs), for: length - 2 * minuteMs, fault: second })
  }
  if (random.chance(innocentShare)) {
    const benign = drawInnocentDeploy(random, targets, serviceOf(fault))
    events.push({ at: Math.max(0, at + random.between(-5 * minuteMs, minuteMs)), benign })
  }
  for (let k = random.below(3); k > 0; k--) events.push(ordinary(random, targets, duration))
  return {
    name: `incident-${i + 1}`,
    topology,
    scenario: scenarioOf(`incident-${i + 1}`, duration, i, random, 15_000, events),
    seed: random.bits(),
    startMs: startOf(seed, i),
    warmUpMs: incidentWarmUpMs,
    windowMs: 30_000,
    isQuiet: false,
    isDouble,
  }
}

function* quietRuns(topology: Topology, seed: number, { quietDays, quietRate }: SetSize): Iterable<Run> {
  const slower = withRate(topology, quietRate)
  const targets = new Targets(slower)
  for (let i = 0, left = quietDays; left > 1e-9; i++) {
    const days = Math.min(quietDaysInRun, left)
    left -= days
    const random = new Random(seed, `quiet ${i}`)
    const duration = Math.round(days * dayMs) + quietWarmUpMs
    const count = Math.round(benignPerDay * days)
    const events = Array.from({ length: count }, () => ordinary(random, targets, duration))
    yield {
      name: `quiet-${i + 1}`,
      topology: slower,
      scenario: scenarioOf(`quiet-${i + 1}`, duration, i, random, 60_000, events),
      seed: random.bits(),
      startMs: startOf(seed, 10_000 + i),
      warmUpMs: quietWarmUpMs,
      windowMs: minuteMs,
      isQuiet: true,
      isDouble: false,
    }
  }
}

function scenarioOf(
  name: string,
  duration: number,
  i: number,
  random: Random,
  scrape: number,
  events: Scenario['events'],
): Scenario {
  // The schema's defaults are the ordinary world; what is drawn here is what differs.
  const usual = parseScenario('{ name: usual, duration: 1s }', 'benchmark')
  return {
    ...usual,
    name,
    duration: Math.round(duration),
    observation: {
      ...usual.observation,
      // Half of the runs.
      sampling: i % 2 === 0 ? 1 : 0.01 * 10 ** random.next(),
      lostSpans: random.between(0.005, 0.02),
      scrape,
    },
    events: events
      .map((event) => ({
        ...event,
        at: Math.round(event.at),
        ...(event.for === undefined ? {} : { for: Math.round(event.for) }),
      }))
      .toSorted((a, b) => a.at - b.at),
  }
}

function ordinary(random: Random, targets: Targets, duration: number): Scenario['events'][number] {
  const { benign, ms }: { readonly benign: BenignSpec; readonly ms?: number } = drawBenign(random, targets)
  return { at: random.between(0, duration - 1_000), ...(ms === undefined ? {} : { for: ms }), benign }
}

function withRate(topology: Topology, rate: number): Topology {
  return { ...topology, users: { ...topology.users, rate: Math.min(rate, topology.users.rate) } }
}

function startOf(seed: number, i: number): number {
  const random = new Random(seed, `start ${i}`)
  return epochMs + Math.floor(random.between(0, 14 * 24)) * 60 * minuteMs
}

/** Evenly dealt: of n in a row that share, but for one. */
function hits(i: number, share: number): boolean {
  return Math.floor((i + 1) * share) > Math.floor(i * share)
}

function shuffled<T>(random: Random, items: readonly T[]): readonly T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const item = mixed[i]!
    mixed[i] = mixed[j]!
    mixed[j] = item
  }
  return mixed
}

function serviceOf(fault: FaultSpec): string | undefined {
  if ('service' in fault) return fault.service
  if ('operation' in fault) return split(fault.operation)[0]
  return 'query' in fault ? split(fault.query)[0] : undefined
}
