import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inTurn } from './turn.ts'

function busy(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
const nextTurn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

test('the first work of a turn runs at once', async () => {
  await nextTurn()
  let ran = false
  inTurn(() => {
    ran = true
  })
  assert.ok(ran)
})

test('work that arrives together is spread over turns, in order, and timers get their time in between', async () => {
  await nextTurn()
  const order: number[] = []
  const ticksBefore: number[] = []
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 20; i++)
      inTurn(() => {
        busy(3)
        order.push(i)
        ticksBefore.push(ticks)
        if (i === 19) resolve()
      })
    assert.deepEqual(order, [0])
  })
  clearInterval(timer)
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, i) => i),
  )
  // Each piece is longer than a turn's share: a timer fires before nearly each of them.
  assert.ok(new Set(ticksBefore).size > 10, ticksBefore.join())
})

test('who comes while others wait does not overtake them', async () => {
  await nextTurn()
  const order: string[] = []
  inTurn(() => busy(5))
  inTurn(() => order.push('first'))
  await new Promise<void>((resolve) => {
    setImmediate(() =>
      inTurn(() => {
        order.push('second')
        resolve()
      }),
    )
  })
  assert.deepEqual(order, ['first', 'second'])
})

test('work that throws holds up nobody behind it', async () => {
  await nextTurn()
  const { promise, resolve } = Promise.withResolvers<void>()
  assert.throws(() =>
    inTurn(() => {
      throw new Error('a bug')
    }),
  )
  inTurn(resolve)
  await promise
})
