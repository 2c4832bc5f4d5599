/** Processes of the benchmark. Each is ended by its own handle, whatever happens to us. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const stopTimeoutMs = 15_000
const answerTimeoutMs = 60_000
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** What is measured has a core of its own; what surrounds it shares the others. */
export type Place = 'measured' | 'around'

const pinner = 'taskset'
const cores = availableParallelism()
const canPin = process.platform === 'linux' && cores > 1 && spawnSync(pinner, ['-p', String(process.pid)]).status === 0
export const placement = canPin
  ? `the Collector on core ${cores - 1}, sender and sink on ${cores === 2 ? 'core 0' : `cores 0 to ${cores - 2}`}`
  : 'not pinned'

export function start(place: Place, command: readonly string[], stdio: 'ipc' | 'pipe'): ChildProcess {
  const list = place === 'measured' ? String(cores - 1) : `0-${cores - 2}`
  // taskset becomes the program it runs, so the pid is that of the program.
  const [file, ...args] = canPin ? [pinner, '-c', list, ...command] : command
  const child = spawn(file!, args, {
    stdio: stdio === 'ipc' ? ['ignore', 'ignore', 'inherit', 'ipc'] : ['ignore', 'ignore', 'pipe'],
  })
  running.add(child)
  child.on('exit', () => running.delete(child))
  child.on('error', () => running.delete(child))
  return child
}

/** One of our own scripts, and the first message it sends. */
export async function startScript<T>(script: URL, args: readonly string[]): Promise<{ child: ChildProcess; hello: T }> {
  const child = start('around', [process.execPath, fileURLToPath(script), ...args], 'ipc')
  return { child, hello: await answer<T>(child, script.pathname, answerTimeoutMs) }
}

/** Sends `question` and waits for what comes back. */
export async function ask<T>(child: ChildProcess, question: string | number, timeoutMs = answerTimeoutMs): Promise<T> {
  const answered = answer<T>(child, String(question), timeoutMs)
  child.send(question)
  return answered
}

async function answer<T>(child: ChildProcess, what: string, timeoutMs: number): Promise<T> {
  const over = new AbortController()
  const timeout = AbortSignal.any([over.signal, AbortSignal.timeout(timeoutMs)])
  try {
    const ended = once(child, 'exit', { signal: timeout }).then(([code]) => {
      throw new Error(`The child for ${what} ended with ${code}.`)
    })
    const [message] = (await Promise.race([once(child, 'message', { signal: timeout }), ended])) as [T]
    return message
  } finally {
    over.abort()
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  await ended
  clearTimeout(timer)
}
