/** How much memory this process uses for objects and buffers, its worker threads included. */
import { memoryUsage } from 'node:process'
import { getHeapStatistics } from 'node:v8'
import type { Worker } from 'node:worker_threads'

interface Watched {
  /** At the last look: a worker answers when it has time. */
  usedBytes: number
  isAsked: boolean
}
const workers = new Map<Worker, Watched>()

process.on('worker', (worker) => {
  workers.set(worker, { usedBytes: 0, isAsked: false })
  worker.once('exit', () => workers.delete(worker))
})

/**
 * Garbage included. Of this thread not V8's `external` number, which is corrected only at its next collection, long after the buffers are freed.
 * Of the workers it is what the previous call asked for.
 */
export function usedMemoryBytes(): number {
  let used = getHeapStatistics().used_heap_size + memoryUsage().arrayBuffers
  for (const [worker, watched] of workers) {
    used += watched.usedBytes
    if (!watched.isAsked) void ask(worker, watched)
  }
  return used
}

async function ask(worker: Worker, watched: Watched): Promise<void> {
  watched.isAsked = true
  try {
    const heap = await worker.getHeapStatistics()
    watched.usedBytes = heap.used_heap_size + heap.external_memory
  } catch {
    // It ends: its memory goes with it.
    watched.usedBytes = 0
  }
  watched.isAsked = false
}
