import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import { traffic } from './traffic.ts'

for (const signal of ['traces', 'metrics', 'logs'] as const) {
  test(`traffic of ${signal} is valid OTLP, and the same each time`, () => {
    const bodies = traffic(signal)
    assert.deepEqual(traffic(signal), bodies)
    for (const body of bodies)
      assert.ok(readOtlp(signal, Buffer.from(body), 'json', { metadata: new Map() }).count > 20)
  })
}
