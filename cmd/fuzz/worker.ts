/** A fuzzing thread: makes inputs, runs them, and says what it found. Whoever started it watches that it goes on. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import { readCorpus } from './corpus.ts'
import { type Done, type Find, header, headerBytes, type Job } from './messages.ts'
import { minimise } from './minimise.ts'
import { Mutator } from './mutate.ts'
import { Random } from './random.ts'
import { hashOf, openTarget, type Target } from './target.ts'

const slowMs = 1_000
/** Memory is looked at this often, because looking costs more than a case. */
const memoryEvery = 64
const maxGrowthBytes = 256 << 20
const maxSignatures = 50

// A refusal is an error, and its trace would cost more than the rest of it.
Error.stackTraceLimit = 0
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const job = workerData as Job
const words = new Int32Array(job.shared, 0, header.words)
const sharedInput = new Uint8Array(job.shared, headerBytes)
const target = await openTarget(job.target)
const seen = new Set<string>()
let stray: unknown
// Of a server under attack: an error that nobody catches would end the process.
process.on('uncaughtException', (error) => void (stray ??= error))
process.on('unhandledRejection', (error) => void (stray ??= error))

parentPort?.postMessage(
  job.only === undefined ? { done: await attack(target) } : { done: await replay(target, job.only) },
)
await target.close?.()
process.exit(0)

async function attack({ seeds, tokens, maxBytes, family, generate }: Target): Promise<Done> {
  const mutator = new Mutator(maxBytes)
  const all = [...seeds, ...readCorpus(job.target, job.folder).map(({ input }) => input)]
  const recent: Uint8Array[] = []
  const heapBefore = used()
  let base: Uint8Array = new Uint8Array(0)
  let accepted = 0
  let slowestMs = 0
  let cases = 0
  let before = memory()
  const cpuBefore = process.threadCpuUsage()
  for (; cases < job.cases && Atomics.load(words, header.stop) === 0; cases++) {
    const at = job.firstCase + cases
    const random = new Random(job.seed, at, hashOf(Buffer.from(job.target)))
    if (at % family === 0 || cases === 0) base = random.oneIn(4) ? random.pick(all) : generate(random)
    const input = at % family === 0 ? base : mutator.mutate(base, random, tokens, all)
    publish(input)
    const start = performance.now()
    const result = await attempt(input, false)
    const ms = performance.now() - start
    if (result === true) accepted++
    else if (result !== false) await report(input, 'failure', result)
    if (ms > slowestMs) slowestMs = ms
    // The machine may have been busy: what is slow is slow again.
    if (ms > slowMs && (await isSlow(input))) await report(input, 'slow', new Error(`a case took ${Math.round(ms)} ms`))
    Atomics.store(words, header.cases, cases + 1)
    Atomics.store(words, header.accepted, accepted)
    recent[cases % memoryEvery] = input
    if (cases % memoryEvery === memoryEvery - 1) {
      const now = memory()
      if (now - before > maxGrowthBytes) await blame(recent)
      before = memory()
    }
  }
  const { user, system } = process.threadCpuUsage(cpuBefore)
  return { cases, accepted, slowestMs, cpuMs: (user + system) / 1_000, heapGrowthBytes: used() - heapBefore }
}

async function replay(_: Target, input: Uint8Array): Promise<Done> {
  publish(input)
  const start = performance.now()
  const result = await attempt(input, true)
  if (typeof result !== 'boolean') await report(input, 'failure', result)
  Atomics.store(words, header.cases, 1)
  return {
    cases: 1,
    accepted: Number(result === true),
    slowestMs: performance.now() - start,
    cpuMs: 0,
    heapGrowthBytes: 0,
  }
}

/** The error, or whether the input was accepted. */
async function attempt(input: Uint8Array, thorough: boolean): Promise<boolean | Error> {
  Atomics.add(words, header.beats, 1)
  try {
    const running = target.run(input, thorough)
    const isAccepted = typeof running === 'boolean' ? running : await running
    if (stray === undefined) return isAccepted
    const error = stray
    stray = undefined
    return asError(error)
  } catch (error) {
    return asError(error)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(`something was thrown that is no error: ${typeof error}`)
}

async function isSlow(input: Uint8Array): Promise<boolean> {
  const start = performance.now()
  await attempt(input, false)
  return performance.now() - start > slowMs
}

async function report(input: Uint8Array, kind: Find['kind'], first: Error): Promise<void> {
  Error.stackTraceLimit = 8
  const again = kind === 'failure' ? await attempt(input, false) : first
  // What does not fail twice depended on what came before it: a find all the same.
  const error = typeof again === 'boolean' ? first : again
  await tell(input, kind, error)
  Error.stackTraceLimit = 0
}

async function tell(input: Uint8Array, kind: Find['kind'], error: Error): Promise<void> {
  const signature = signatureOf(kind, error)
  if (seen.has(signature) || seen.size >= maxSignatures) return
  seen.add(signature)
  const isSame = async (shorter: Uint8Array) => {
    if (kind === 'slow') return isSlow(shorter)
    const result = await attempt(shorter, false)
    return typeof result !== 'boolean' && signatureOf(kind, result) === signature
  }
  const smallest = kind === 'memory' ? input : await minimise(input, isSame)
  const find: Find = { kind, message: error.stack ?? error.message, signature, input: smallest }
  parentPort?.postMessage({ find })
}

function signatureOf(kind: Find['kind'], error: Error): string {
  const [, at = ''] = (error.stack ?? '').split('\n    at ')
  return kind === 'failure' ? `${error.name} ${error.message.replace(/\d+/g, 'N').slice(0, 80)} ${at}` : kind
}

/** Which of the last inputs it was that took so much memory. */
async function blame(recent: readonly Uint8Array[]): Promise<void> {
  for (const input of recent) {
    collect()
    const before = memory()
    await attempt(input, false)
    const more = memory() - before
    if (more > maxGrowthBytes / 4) await report(input, 'memory', new Error(`a case took ${more} bytes`))
  }
}

function publish(input: Uint8Array): void {
  sharedInput.set(input.length <= sharedInput.length ? input : input.subarray(0, sharedInput.length))
  Atomics.store(words, header.length, Math.min(input.length, sharedInput.length))
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function used(): number {
  collect()
  return memory()
}
