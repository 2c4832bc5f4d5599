import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readRecorded, writeRecorded } from './recording.ts'

const shared = [{ key: 'service.name', value: { stringValue: 'checkout' } }]
const outcomes = {
  'kept as it came': [{ resourceSpans: [{ resource: { attributes: shared } }] }],
  'kept twice': [{ resourceSpans: [{ resource: { attributes: shared } }, { resource: { attributes: shared } }] }],
  'nothing came out': [],
  'two outputs': { 'logs/a': [{ resourceLogs: [{ resource: { attributes: shared } }] }], refused: [{ refused: 503 }] },
}

test('a recording gives back each outcome, and holds what several share only once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'))
  try {
    await mkdir(join(folder, 'testdata'))
    await writeRecorded(folder, outcomes)
    assert.deepEqual(await readRecorded(folder), outcomes)
    const text = await readFile(join(folder, 'testdata/upstream.json'), 'utf8')
    assert.equal(text.split('checkout').length - 1, 1)
    assert.ok(text.includes('\n"nothing came out": []'), text)
  } finally {
    await rm(folder, { recursive: true })
  }
})
