import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../pipeline/component.ts'

/** Other work of the event loop waits no longer than this. */
const sliceMs = 4

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
  let untilMs = clock.nowMs() + sliceMs
  for (const item of items) {
    run(item)
    if (clock.nowMs() < untilMs) continue
    await after?.()
    await setImmediate()
    if (deadline?.aborted) return
    untilMs = clock.nowMs() + sliceMs
  }
  await after?.()
}
