import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crash } from './crash.ts'

test('three kills under load, torn files and a full disk lose nothing that was acknowledged', async () => {
  const items = 20_000
  const report = await crash({ items, kills: 3, seed: 7, fsync: false, say: () => {} })
  assert.deepEqual(
    { lost: report.lost, acknowledged: report.acknowledged, received: report.received, kills: report.kills },
    { lost: 0, acknowledged: items, received: items, kills: 3 },
  )
})
