/** A Collector as a program: the real one or Vigil. Everything that starts one goes through here. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Order } from './vigil-host.ts'

export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly name: string
  /** Its errors name line and column. */
  readonly namesPositions: boolean
  /** In types: `filelog` is `file_log`. */
  readonly ignoresUnderscores: boolean
  run(args: readonly string[], folder: string): Promise<Outcome>
  /** As `run`, many thousand times; never two at once in one folder. */
  validate(file: string, folder: string): Promise<Outcome>
  start(args: readonly string[], folder: string): Running
  /** Ends what it keeps running between validations. */
  close(): void
}

/** A Collector that runs until it is told to stop. */
interface Running {
  readonly child: ChildProcess
  log(): string
  stop(): Promise<Outcome>
}

const runTimeoutMs = 30_000
const stopTimeoutMs = 10_000
const timedOut = 124
const hostFile = join(import.meta.dirname, 'vigil-host.ts')

export function realCollector(file: string): Program {
  return program('otelcol', false, file, [])
}

/** Undefined while the repository has no `cmd/main.ts`. */
export async function vigil(): Promise<Program | undefined> {
  const main = resolve(import.meta.dirname, '../main.ts')
  const found = await access(main).then(
    () => true,
    () => false,
  )
  if (!found) return undefined
  const hosts = new Map<string, ChildProcess>()
  return {
    ...program('vigil', true, process.execPath, [main]),
    validate(file, folder) {
      const host = hosts.get(folder)
      const usable = host?.connected ? host : fork(hostFile, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
      hosts.set(folder, usable)
      return ask(usable, { args: ['validate', '--config', file], folder })
    },
    close() {
      for (const host of hosts.values()) host.kill()
    },
  }
}

function program(name: string, namesPositions: boolean, file: string, first: readonly string[]): Program {
  const run: Program['run'] = async (args, folder) => {
    const running = launch(file, [...first, ...args], folder)
    return within(runTimeoutMs, running.child, running.ended)
  }
  return {
    name,
    namesPositions,
    ignoresUnderscores: namesPositions,
    run,
    validate: (config, folder) => run(['validate', '--config', config], folder),
    start(args, folder) {
      const running = launch(file, [...first, ...args], folder)
      const stop = () => {
        running.child.kill('SIGTERM')
        return within(stopTimeoutMs, running.child, running.ended)
      }
      return { child: running.child, log: running.log, stop }
    },
    close() {},
  }
}

async function within(limitMs: number, child: ChildProcess, ended: Promise<Outcome>): Promise<Outcome> {
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const outcome = await ended
  clearTimeout(timer)
  return outcome
}

/** A host that dies, or is killed for taking too long, has given its answer by that. */
function ask(host: ChildProcess, order: Order): Promise<Outcome> {
  let stderr = ''
  const listen = (chunk: Buffer) => (stderr += chunk.toString())
  host.stderr?.on('data', listen)
  const answer = new Promise<Outcome>((settle) => {
    const died = () =>
      settle({ exitCode: timedOut, stdout: '', stderr: `${stderr}\nNode.js ${process.version}: the process ended` })
    host.once('exit', died)
    host.once('message', (outcome: Outcome) => {
      host.off('exit', died)
      host.stderr?.off('data', listen)
      settle(outcome)
    })
    host.send(order)
  })
  return within(runTimeoutMs, host, answer)
}

function launch(file: string, args: readonly string[], folder: string) {
  const child = spawn(file, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const log = () => Buffer.concat(err).toString()
  const ended = new Promise<Outcome>((settle, fail) => {
    child.on('error', fail)
    child.on('close', (code) =>
      settle({ exitCode: code ?? timedOut, stdout: Buffer.concat(out).toString(), stderr: log() }),
    )
  })
  return { child, log, ended }
}

/** Runs `work` over all items, a few at a time; results in the items' order. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, lane: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const lanes = Array.from({ length: width }, async (_, lane) => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index] as T, lane)
    }
  })
  await Promise.all(lanes)
  return results
}

/** Where lane `n` of a suite keeps its config files. */
export function laneFolder(work: string, lane: number): string {
  return join(work, `lane-${lane}`)
}
