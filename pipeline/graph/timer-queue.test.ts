import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimerQueue } from './timer-queue.ts'

test('a repeating timer never overlaps itself: what falls due meanwhile is left out', async () => {
  const timers = new TimerQueue()
  const work = Promise.withResolvers<void>()
  let runs = 0
  timers.add(10, 10, () => {
    runs++
    return runs === 1 ? work.promise : undefined
  })
  const runNext = (endMs: number) => timers.next(0, endMs)?.run()
  const first = runNext(10)
  await runNext(20)
  assert.equal(runs, 1)
  work.resolve()
  await first
  await runNext(30)
  await runNext(40)
  assert.equal(runs, 3)
})
