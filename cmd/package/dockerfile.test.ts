import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { instructionsOf } from './dockerfile.ts'

test('instructions are read over several lines, comments between them too', () => {
  const text = '# syntax\nFROM node:24-slim AS build\nRUN a \\\n# why\n && b\n\nentrypoint ["c"]\n'
  assert.deepEqual(instructionsOf(text), [
    { word: 'FROM', rest: 'node:24-slim AS build' },
    { word: 'RUN', rest: 'a   && b' },
    { word: 'ENTRYPOINT', rest: '["c"]' },
  ])
})

test('the image is started as a user, with a stop signal, and without a shell between them', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../examples/deploy/Dockerfile'), 'utf8')
  const last = Object.fromEntries(instructionsOf(dockerfile).map(({ word, rest }) => [word, rest]))
  assert.equal(last['USER'], '10001:10001')
  assert.equal(last['STOPSIGNAL'], 'SIGTERM')
  for (const word of ['ENTRYPOINT', 'CMD']) assert.ok(Array.isArray(JSON.parse(last[word] ?? '')), word)
})
