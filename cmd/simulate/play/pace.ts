/** Lets a world go on at so many times the speed of ours, or as fast as it can. */
import { setTimeout as delay } from 'node:timers/promises'
import type { World } from '../world/world.ts'
import type { Sink } from './sink.ts'

const stepWallMs = 20
/** As fast as it can: so much of the world in one go, then the event loop. */
const stepWorldMs = 500

export interface Pacing {
  /** 1 = real time; 0 = as fast as it goes. */
  readonly speed: number
  readonly durationMs: number
  readonly signal: AbortSignal
}

/** The answer is how far behind the wanted speed it was at worst, in ms of our time. */
export async function play(world: World, sink: Sink, { speed, durationMs, signal }: Pacing): Promise<number> {
  const begun = performance.now()
  let worstLagMs = 0
  while (world.schedule.now < durationMs && !signal.aborted) {
    const wanted = speed === 0 ? world.schedule.now + stepWorldMs : (performance.now() - begun + stepWallMs) * speed
    world.runUntil(Math.min(durationMs, wanted))
    await sink.caughtUp()
    if (speed === 0) {
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    const ahead = world.schedule.now / speed - (performance.now() - begun)
    worstLagMs = Math.max(worstLagMs, -ahead)
    await delay(Math.max(0, ahead), undefined, { signal }).catch(() => {})
  }
  return worstLagMs
}
