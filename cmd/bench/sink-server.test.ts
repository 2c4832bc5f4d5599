import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { newClient } from '../generate/new-client.ts'
import { generatedSignals, newPayloads } from '../generate/payloads.ts'
import { countItems } from './count-items.ts'
import { startSink } from './sink-server.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

describe('items are counted by the framing', () => {
  for (const signal of generatedSignals)
    test(signal, () => {
      const next = newPayloads(signal, { seed: 3, service: undefined, startedUnixMs: 0 })
      const counts = [1, 2, 99, 1000].map((items) => countItems(signal, next(items, 1e12)))
      assert.deepEqual(counts, [1, 2, 99, 1000])
    })
  test('of two requests one after another, as a merged batch is', () => {
    const next = newPayloads('traces', { seed: 3, service: undefined, startedUnixMs: 0 })
    assert.equal(countItems('traces', new Uint8Array(Buffer.concat([next(10, 1e12), next(7, 1e12)]))), 17)
  })
  test('every shape of metric counts its points', () => {
    // Metric with gauge, sum, histogram, exponential histogram and summary, two empty points each.
    const metrics = [42, 58, 74, 82, 90].map((tag) => Buffer.from([18, 6, tag, 4, 10, 0, 10, 0]))
    const scope = Buffer.concat(metrics)
    const resource = Buffer.concat([Buffer.from([18, scope.length]), scope])
    const request = Buffer.concat([Buffer.from([10, resource.length]), resource])
    assert.equal(countItems('metrics', new Uint8Array(request)), 10)
  })
  test('a truncated request is an error, not a smaller number', () => {
    const body = newPayloads('traces', { seed: 3, service: undefined, startedUnixMs: 0 })(10, 1e12)
    assert.throws(() => countItems('traces', body.subarray(0, body.length - 1)), /ends at byte/)
  })
})

test('a body that cannot be counted is refused and told', async () => {
  const sink = await startSink('traces', 'grpc')
  closers.push(() => sink.close())
  const client = newClient({
    signal: 'traces',
    protocol: 'grpc',
    compression: 'none',
    url: new URL(`http://127.0.0.1:${sink.port}`),
    headers: [],
    tls: {},
    timeoutMs: 5_000,
    userAgent: 'test',
  })
  closers.push(() => client.close())
  const answer = await client.send(await client.encode(Uint8Array.of(10, 200, 1, 0)))
  assert.equal(answer.outcome, 'refused')
  const { items, failure } = sink.counts()
  assert.equal(items, 0)
  assert.match(failure, /ends at byte/)
})
