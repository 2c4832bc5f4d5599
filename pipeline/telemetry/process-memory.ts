/** What the limiter knows of the machine: memory used, memory allowed, and how to collect garbage now. */
import { totalmem } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { usedMemoryBytes } from './used-memory.ts'

export interface Memory {
  usedBytes(): number
  /** The limit of the container, else what the machine has. */
  totalBytes(): number
  /** Resolves when what could be freed is freed. */
  collect(): Promise<void>
}

const sweepPollMs = 5
const maxSweepPolls = 20
/** A sweep that frees less than this between two looks is over. */
const sweepStepBytes = 1024 * 1024

let gc: (() => void) | undefined

export const processMemory: Memory = {
  usedBytes: usedMemoryBytes,
  totalBytes() {
    // Node reads cgroup v1 and v2; without a limit it answers 0 or a number beyond all machines.
    const constrained = process.constrainedMemory()
    return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  },
  async collect() {
    gc ??= exposeGc()
    gc()
    // V8 frees the buffers of dead objects on another thread.
    let before = usedMemoryBytes()
    for (let i = 0; i < maxSweepPolls; i++) {
      await setTimeout(sweepPollMs)
      const now = usedMemoryBytes()
      if (before - now < sweepStepBytes) return
      before = now
    }
  },
}

/** The flag is needed only while the context is made, so that nothing else of the process sees a `gc`. */
function exposeGc(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  return collect
}
