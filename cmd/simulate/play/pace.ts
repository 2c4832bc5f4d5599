/** Lets a world go on at so many times the speed of ours, or as fast as it can. */
import { setTimeout as delay } from 'node:timers/promises'
import type { World } from '../world/world.ts'
import type { Sink } from './sink.ts'

const stepWallMs = 20
/** As fast as it can: so much of the world in one go, then the event loop. */
const stepWorldMs = 500

/** Somebody may turn it while the world goes on. */
export class Pace {
  /** 1 = real time; 0 = as fast as it goes. */
  speed: number
  isPaused = false

  constructor(speed: number) {
    this.speed = speed
  }
}

export interface Pacing {
  readonly pace: Pace
  readonly durationMs: number
  readonly signal: AbortSignal
}

/** The answer is how far behind the wanted speed it was at worst, in ms of our time. */
export async function play(world: World, sink: Sink, { pace, durationMs, signal }: Pacing): Promise<number> {
  let begun = performance.now()
  let from = world.schedule.now
  let { speed } = pace
  let worstLagMs = 0
  while (world.schedule.now < durationMs && !signal.aborted) {
    if (pace.isPaused) await delay(stepWallMs, undefined, { signal }).catch(() => {})
    if (pace.isPaused || pace.speed !== speed) {
      begun = performance.now()
      from = world.schedule.now
      ;({ speed } = pace)
      if (pace.isPaused) continue
    }
    const wanted =
      speed === 0 ? world.schedule.now + stepWorldMs : from + (performance.now() - begun + stepWallMs) * speed
    world.runUntil(Math.min(durationMs, wanted))
    await sink.caughtUp()
    if (speed === 0) {
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    const ahead = (world.schedule.now - from) / speed - (performance.now() - begun)
    worstLagMs = Math.max(worstLagMs, -ahead)
    await delay(Math.max(0, ahead), undefined, { signal }).catch(() => {})
  }
  return worstLagMs
}
