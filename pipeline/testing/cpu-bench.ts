/** CPU time of what runs again and again, for the benchmarks beside the code. */

interface Windows {
  readonly warmUpRounds?: number
  readonly windows?: number
  readonly windowMs?: number
  /** Outside of what is measured: to forget what the rounds left behind. */
  readonly afterWindow?: () => void
}

/**
 * Microseconds of CPU of one round, of all threads of the process. The best of the windows: what the code costs when nothing else wants the
 * caches. A round that gives a promise ends when that resolves.
 */
export async function cpuMicros(
  run: (round: number) => unknown,
  { warmUpRounds = 60, windows = 8, windowMs = 150, afterWindow = () => {} }: Windows = {},
): Promise<number> {
  for (let round = 0; round < warmUpRounds; round++) await run(round)
  let micros = Number.POSITIVE_INFINITY
  for (let window = 0; window < windows; window++) {
    const before = process.cpuUsage()
    const start = performance.now()
    let rounds = 0
    do {
      const done = run(rounds++)
      if (done instanceof Promise) await done
    } while (performance.now() - start < windowMs)
    const { user, system } = process.cpuUsage(before)
    micros = Math.min(micros, (user + system) / rounds)
    afterWindow()
  }
  return micros
}
