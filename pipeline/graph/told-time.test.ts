import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ToldTime } from './told-time.ts'

const begin = 1_700_000_000_000_000_000n
const second = 1_000_000_000n

test('time stands still until it is told, and what fell due runs in order at its own time', async () => {
  const time = new ToldTime()
  const clock = time.clock((error) => assert.fail(String(error)))
  const other = time.clock((error) => assert.fail(String(error)))
  const ran: string[] = []
  const at = () => Number(clock.nowUnixNano() - begin) / 1e9
  await time.reach(begin)
  clock.every(10_000, async () => {
    await Promise.resolve()
    ran.push(`every ${at()}`)
  })
  other.after(15_000, () => {
    ran.push(`after ${at()}`)
    other.after(1_000, () => void ran.push(`set by a timer ${at()}`))
  })
  other.after(16_500, () => void ran.push('cancelled'))()
  await time.reach(begin + 9n * second)
  assert.deepEqual(ran, [])
  await Promise.all([time.reach(begin + 25n * second), time.reach(begin + 31n * second)])
  assert.deepEqual(ran, ['every 10', 'after 15', 'set by a timer 16', 'every 20', 'every 30'])
  assert.equal(at(), 31)
  await time.reach(begin)
  assert.equal(at(), 31)
})

test('the first word says when time began, whatever timers were set before', async () => {
  const time = new ToldTime()
  const clock = time.clock(() => {})
  let runs = 0
  clock.every(1_000, () => void runs++)
  await time.reach(begin)
  assert.deepEqual([runs, clock.nowUnixNano(), clock.nowMs()], [0, begin, 0])
})

test('a component that stopped has no timers, a failure is told, and one that waits for a later time holds nobody up', async () => {
  const time = new ToldTime()
  const failures: unknown[] = []
  const clock = time.clock((error) => failures.push(error))
  const stopped = time.clock(() => assert.fail('stopped'))
  await time.reach(begin)
  stopped.after(1_000, () => assert.fail('stopped'))
  stopped.stop()
  stopped.after(1_000, () => assert.fail('stopped'))
  clock.after(1_000, () => {
    throw new Error('broken')
  })
  let isWoken = false
  clock.after(1_000, async () => {
    await new Promise<void>((resolve) => void clock.after(5_000, resolve))
    isWoken = true
  })
  await time.reach(begin + 2n * second)
  assert.deepEqual([failures.map(String), isWoken], [['Error: broken'], false])
  await time.reach(begin + 6n * second)
  assert.equal(isWoken, true)
})
