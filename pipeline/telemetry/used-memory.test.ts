import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { usedMemoryBytes } from './used-memory.ts'

test('the buffers of a worker count while it lives', async () => {
  const before = usedMemoryBytes()
  const source = `
    globalThis.kept = Buffer.alloc(50e6, 1)
    require('node:worker_threads').parentPort.postMessage('full')
    setInterval(() => {}, 1000)
  `
  const worker = new Worker(source, { eval: true })
  await once(worker, 'message')
  const grown = async () => {
    for (let i = 0; i < 100; i++) {
      if (usedMemoryBytes() - before > 50e6) return true
      await setTimeout(10)
    }
    return false
  }
  assert.ok(await grown())
  await worker.terminate()
  assert.ok(usedMemoryBytes() - before < 40e6)
})
