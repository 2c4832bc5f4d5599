import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import extension from '../../extensions/flight_recorder/index.ts'
import { recording } from '../../pipeline/capability/flight-recorder.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { startEngine } from '../../pipeline/testing/engine.ts'
import { memorySink, memorySource } from '../../pipeline/testing/memory.ts'
import factory from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigil-recording-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const recorded: Batch[] = []
const capabilities = new Map([[recording, { record: (batch: Batch) => void recorded.push(batch) }]])
describeContract(factory, '', { capabilities })

test('what comes is given to the recorder as it is, and taken at once', async () => {
  const { instance, handle } = build(factory, '', { capabilities })
  await instance.start!()
  const batch = newTraces().resource({}).span({ name: 'a' }).build()
  await handle(batch)
  assert.equal(recorded.at(-1), batch)
})

test('without the extension the start says what to add', async () => {
  await assert.rejects(build(factory, '').instance.start!(), /no extension flight_recorder to record into: add it/)
})

test('a recorder that cannot write delays and refuses nothing', async () => {
  const source = memorySource()
  const sink = memorySink()
  const engine = await startEngine(
    `
    receivers: { source: }
    exporters: { flight_recorder: , sink: }
    extensions: { flight_recorder: { directory: ${join(folder, 'broken')} } }
    service:
      extensions: [flight_recorder]
      pipelines: { traces: { receivers: [source], exporters: [flight_recorder, sink] } }
    `,
    [source.factory, sink.factory, factory, extension],
  )
  rmSync(join(folder, 'broken'), { recursive: true })
  for (let i = 0; i < 20; i++) await source.send(newTraces().resource({}).span({ name: 'a' }).build())
  assert.equal(sink.count(), 20)
  await engine.stop()
})
