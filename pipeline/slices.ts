/** Long work in slices, so that whatever else waits for the event loop does not wait long. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from './component.ts'

/** Other work waits no longer than this, and than one step of the work at hand. */
const sliceMs = 4

export class Slices {
  private readonly clock: Clock
  private untilMs: number

  constructor(clock: Clock) {
    this.clock = clock
    this.untilMs = clock.nowMs() + sliceMs
  }

  /** Whether it is time to `pause`. */
  get isOver(): boolean {
    return this.clock.nowMs() >= this.untilMs
  }

  /** Lets other work in, then begins the next slice. */
  async pause(): Promise<void> {
    await setImmediate()
    this.untilMs = this.clock.nowMs() + sliceMs
  }
}

/** Runs over all items, and lets other work in between; `after` ends each slice. */
export async function inSlices<T>(
  items: Iterable<T>,
  run: (item: T) => void,
  {
    clock,
    after,
    deadline,
  }: { clock: Clock; after?: () => Promise<void> | undefined; deadline?: AbortSignal | undefined },
): Promise<void> {
  const slices = new Slices(clock)
  for (const item of items) {
    run(item)
    if (!slices.isOver) continue
    await after?.()
    await slices.pause()
    if (deadline?.aborted) return
  }
  await after?.()
}
