/** One scenario: a world, what happens in it, how it is seen, and the truth about it. */
import type { Batch } from '../../../pipeline/data/telemetry.ts'
import { Exports, type Observation } from '../telemetry/exports.ts'
import type { Topology } from '../topology/schema.ts'
import { World } from '../world/world.ts'
import { playBenign } from './benign.ts'
import { makeFault } from './fault.ts'
import type { Scenario } from './schema.ts'
import { Truth } from './truth.ts'

const lookMs = 1_000

export interface Playing {
  readonly world: World
  readonly exports: Exports
  readonly truth: Truth
}

export interface PlayOptions {
  readonly topology: Topology
  readonly scenario: Scenario
  readonly seed: number
  readonly startMs: number
  readonly send: (batch: Batch) => void
}

/** The world stands at its beginning and has everything in its schedule. Throws what of the scenario does not fit the topology. */
export function prepare({ topology, scenario, seed, startMs, send }: PlayOptions): Playing {
  const { observation: seen } = scenario
  const observation: Observation = {
    sampling: seen.sampling,
    lostSpans: seen.lostSpans,
    lateShare: seen.lateShare,
    lateMs: seen.late,
    scrapeMs: seen.scrape,
    missedScrapes: seen.missedScrapes,
    requestLogEvery: seen.requestLogEvery,
  }
  const exports = new Exports(observation, send)
  const world = new World({ topology, seed, startMs, sampling: seen.sampling, observer: exports })
  exports.attach(world)
  const truth = new Truth(world)
  exports.onRequest = (request) => truth.request(request)
  for (const machine of world.cluster.machines) machine.skewMs = world.randomOf('skew').between(-seen.skew, seen.skew)
  for (const { at, for: length, fault, benign } of scenario.events) {
    if (fault !== undefined) {
      const made = makeFault(fault, { world, exports })
      world.schedule.after(at, () => {
        made.start()
        truth.began(fault.type, made)
      })
      if (length !== undefined) {
        world.schedule.after(at + length, () => {
          if (made.isPresent()) made.stop()
          truth.look()
        })
      }
    }
    if (benign === undefined) continue
    world.schedule.after(at, () => {
      const undo = playBenign(benign, world, exports)
      if (length !== undefined) world.schedule.after(length, undo)
    })
  }
  world.schedule.every(lookMs, () => truth.look())
  world.start()
  return { world, exports, truth }
}
