/** Profiles another Node process through its inspector, for just as long as one likes: start-up and warm-up stay out of it. */
import type { CpuProfile } from './cpu-profile.ts'

const sampleMicros = 500
const answerTimeoutMs = 30_000

/** Node flags that open the inspector on a free port. */
export const inspectorFlags = ['--inspect=127.0.0.1:0'] as const

/** `log` is the standard error of a process that was started with `inspectorFlags`. */
export async function connectProfiler(log: string): Promise<Profiler> {
  const url = /Debugger listening on (ws:\S+)/.exec(log)?.[1]
  if (url === undefined) throw new Error('The process did not say where its inspector listens.')
  const socket = new WebSocket(url)
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error(`Could not connect to ${url}`)))
  })
  return new Profiler(socket)
}

export class Profiler {
  private readonly socket: WebSocket
  private nextId = 1

  constructor(socket: WebSocket) {
    this.socket = socket
  }

  async start(): Promise<void> {
    await this.call('Profiler.enable')
    await this.call('Profiler.setSamplingInterval', { interval: sampleMicros })
    await this.call('Profiler.start')
  }

  async stop(): Promise<CpuProfile> {
    const { profile } = (await this.call('Profiler.stop')) as { profile: CpuProfile }
    return profile
  }

  close(): void {
    this.socket.close()
  }

  private call(method: string, params: object = {}): Promise<unknown> {
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(new Error(`${method} had no answer`)), answerTimeoutMs)
      const listen = ({ data }: MessageEvent) => {
        const message = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } }
        if (message.id === id) finish(message.error && new Error(`${method}: ${message.error.message}`), message.result)
      }
      const finish = (error: Error | undefined, result?: unknown) => {
        clearTimeout(timer)
        this.socket.removeEventListener('message', listen)
        if (error) reject(error)
        else resolve(result)
      }
      this.socket.addEventListener('message', listen)
      this.socket.send(JSON.stringify({ id, method, params }))
    })
  }
}
