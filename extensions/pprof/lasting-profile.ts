/** A CPU profile from start to shutdown. It is summed up every minute, since V8 keeps each sample until it is asked. */
import { type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../../pipeline/component.ts'
import { CallTree } from './call-tree.ts'
import { writePprof } from './pprof-format.ts'
import { type Running, startCpu } from './profiler.ts'

/** As Go: 100 looks a second. */
const intervalUs = 10_000
const sumUpEveryMs = 60_000

export class LastingProfile {
  readonly #tree = new CallTree()
  readonly #file: FileHandle
  readonly #clock: Clock
  readonly #startUnixNano: bigint
  readonly #stopTimer: () => void
  #running: Running<Parameters<CallTree['addCpu']>[0]>

  /** Throws when the file cannot be written: not only at shutdown. */
  static async start(path: string, clock: Clock): Promise<LastingProfile> {
    return new LastingProfile(await open(path, 'w'), clock)
  }

  private constructor(file: FileHandle, clock: Clock) {
    this.#file = file
    this.#clock = clock
    this.#startUnixNano = clock.nowUnixNano()
    this.#running = startCpu(intervalUs)
    this.#stopTimer = clock.every(sumUpEveryMs, () => {
      this.#tree.addCpu(this.#running.stop())
      this.#running = startCpu(intervalUs)
    })
  }

  async finish(): Promise<void> {
    this.#stopTimer()
    this.#tree.addCpu(this.#running.stop())
    const durationNano = this.#clock.nowUnixNano() - this.#startUnixNano
    const value = { type: 'cpu', unit: 'nanoseconds' }
    const shape = { value, period: intervalUs * 1_000, startUnixNano: this.#startUnixNano, durationNano }
    try {
      await this.#file.writeFile(writePprof(this.#tree, shape))
    } finally {
      await this.#file.close()
    }
  }
}
