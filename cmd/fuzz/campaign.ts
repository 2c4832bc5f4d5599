/** Runs one target in a thread of its own and watches it: a case that hangs or a thread that dies is a find too. */
import { Worker } from 'node:worker_threads'
import { saveFind } from './corpus.ts'
import { type Done, type Find, header, headerBytes, type Job, sharedInputBytes, type Told } from './messages.ts'
import type { TargetName } from './target.ts'

export interface Plan {
  readonly target: TargetName
  readonly cases: number
  readonly seconds: number
  readonly seed: number
  readonly folder: string
}
export interface Outcome {
  readonly target: TargetName
  readonly seed: number
  readonly cases: number
  readonly accepted: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly casesPerCpuSecond: number
  readonly slowestMs: number
  /** Of the heap and the array buffers, after a collection. */
  readonly heapGrowthBytes: number
  readonly finds: readonly { readonly kind: string; readonly message: string; readonly file: string }[]
}

/** Slow cases are judged by the thread itself; one that does not come back for so long hangs. */
const hangMs = 20_000
const watchMs = 200
const maxRestarts = 20
const maxHeapMiB = 768

export async function runCampaign(plan: Plan, say: (text: string) => void): Promise<Outcome> {
  const start = performance.now()
  const finds: { kind: string; message: string; file: string }[] = []
  const sum = { cases: 0, accepted: 0, slowestMs: 0, cpuMs: 0, heapGrowthBytes: 0 }
  const keep = (kind: string, message: string, input: Uint8Array) => {
    const file = saveFind(plan.target, plan.seed, input, plan.folder)
    finds.push({ kind, message, file })
    say(`${plan.target}: ${kind}, saved as ${file}\n  ${message}`)
  }
  const deadline = start + plan.seconds * 1_000
  for (
    let restarts = 0;
    restarts <= maxRestarts && sum.cases < plan.cases && performance.now() < deadline;
    restarts++
  ) {
    const done = await runThread(plan, sum.cases, deadline, keep)
    sum.cases += done.cases
    sum.accepted += done.accepted
    sum.cpuMs += done.cpuMs
    sum.slowestMs = Math.max(sum.slowestMs, done.slowestMs)
    sum.heapGrowthBytes = Math.max(sum.heapGrowthBytes, done.heapGrowthBytes)
  }
  return {
    target: plan.target,
    seed: plan.seed,
    cases: sum.cases,
    accepted: sum.accepted,
    seconds: (performance.now() - start) / 1_000,
    cpuSeconds: sum.cpuMs / 1_000,
    casesPerCpuSecond: Math.round(sum.cases / Math.max(sum.cpuMs / 1_000, 0.001)),
    slowestMs: Math.round(sum.slowestMs),
    heapGrowthBytes: sum.heapGrowthBytes,
    finds,
  }
}

/** One thread, until it is done, dies, or hangs. */
async function runThread(
  plan: Plan,
  firstCase: number,
  deadline: number,
  keep: (kind: string, message: string, input: Uint8Array) => void,
): Promise<Done> {
  const shared = new SharedArrayBuffer(headerBytes + sharedInputBytes)
  const words = new Int32Array(shared, 0, header.words)
  const running = () => new Uint8Array(shared, headerBytes, Atomics.load(words, header.length)).slice()
  const { target, seed, folder } = plan
  const job: Job = { target, seed, folder, firstCase, cases: plan.cases - firstCase, shared }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
  })
  const { promise, resolve } = Promise.withResolvers<Done>()
  let done: Done | undefined
  const soFar = (): Done => ({
    cases: Atomics.load(words, header.cases) + 1,
    accepted: Atomics.load(words, header.accepted),
    slowestMs: 0,
    cpuMs: 0,
    heapGrowthBytes: 0,
  })
  worker.on('message', (told: Told) => {
    if ('done' in told) done = told.done
    else keepFind(told.find, keep)
  })
  worker.on('error', (error) =>
    keep('crash', error instanceof Error ? (error.stack ?? error.message) : String(error), running()),
  )
  worker.on('exit', () => resolve(done ?? soFar()))

  let last = -1
  let since = performance.now()
  const watch = setInterval(() => {
    const now = performance.now()
    if (now > deadline) Atomics.store(words, header.stop, 1)
    const beats = Atomics.load(words, header.beats)
    if (beats !== last) {
      last = beats
      since = now
    } else if (now - since > hangMs) {
      clearInterval(watch)
      keep('hang', `case ${firstCase + Atomics.load(words, header.cases)} did not end within ${hangMs} ms`, running())
      void worker.terminate()
    }
  }, watchMs)
  const outcome = await promise
  clearInterval(watch)
  return outcome
}

function keepFind(
  { kind, message, input }: Find,
  keep: (kind: string, message: string, input: Uint8Array) => void,
): void {
  keep(kind, message, input)
}
