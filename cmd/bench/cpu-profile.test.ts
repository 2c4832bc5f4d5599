import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topSelfTimes } from './cpu-profile.ts'

test('self times add up by function, and idle time is nobody’s', () => {
  const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber })
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('copy', 'node:buffer', 9) },
      { id: 3, callFrame: frame('scan', 'file:///x/wire.ts', 4) },
      { id: 4, callFrame: frame('copy', 'node:buffer', 9) },
    ],
    samples: [1, 2, 3, 4, 1],
    timeDeltas: [5_000, 2_000, 1_000, 1_000, 9_000],
  }
  assert.deepEqual(topSelfTimes(profile, 2), [
    { where: 'copy node:buffer:10', ms: 3, share: 0.75 },
    { where: 'scan /x/wire.ts:5', ms: 1, share: 0.25 },
  ])
})
