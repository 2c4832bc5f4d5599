/** Preloaded into the Vigil that `turns.bench.ts` starts: at the end it prints what CPU the turns of its event loop took. */
import { writeSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

const warmUpMs = 4_000
const maxTurns = 200_000

/** CPU of this thread alone: what other processes take of the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

function record(): void {
  const turns: number[] = []
  let collections = 0
  let longestMs = 0
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      collections++
      longestMs = Math.max(longestMs, duration)
    }
  }).observe({ entryTypes: ['gc'] })
  setTimeout(() => {
    let last = cpuMs()
    const turn = () => {
      const now = cpuMs()
      if (turns.length < maxTurns) turns.push(now - last)
      last = now
      setTimeout(turn, 1).unref()
    }
    turn()
  }, warmUpMs).unref()
  process.on('SIGTERM', () => {
    turns.sort((a, b) => a - b)
    const at = (share: number) => (turns[Math.min(turns.length - 1, Math.floor(turns.length * share))] ?? 0).toFixed(1)
    writeSync(
      process.stderr.fd,
      `TURNS ${turns.length} turns, ms of CPU: P50 ${at(0.5)}, P90 ${at(0.9)}, P99 ${at(0.99)}, longest ${at(1)}; ` +
        `${collections} garbage collections, the longest ${longestMs.toFixed(1)} ms of wall time\n`,
    )
  })
}

if (isMainThread) record()
