import assert from 'node:assert/strict'
import { test } from 'node:test'
import { referenceType } from './reference.ts'

const topFields = {
  traces: ['resourceSpans'],
  metrics: ['resourceMetrics'],
  logs: ['resourceLogs'],
  profiles: ['resourceProfiles', 'dictionary'],
} as const

for (const signal of ['traces', 'metrics', 'logs', 'profiles'] as const) {
  test(`the reference type of ${signal} is its export request`, () => {
    assert.deepEqual(Object.keys(referenceType(signal).fields), topFields[signal])
  })
}
