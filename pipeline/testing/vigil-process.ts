import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tellTime } from '../engine/told-clock.ts'

const main = fileURLToPath(new URL('../../cmd/main.ts', import.meta.url))

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** A real `vigil` in a process and a folder of its own. Give it `localhost:0` endpoints and ask `port` where they are. */
export class VigilProcess {
  readonly folder: string
  readonly child: ChildProcess
  readonly lines: LogLine[] = []
  #stderr = ''
  #wake = () => {}

  /**
   * `files` are written into the folder first. `args` may name them without a path. `tellsTime` goes with `--clock told`: time stands still there but for
   * `tell`.
   */
  constructor(args: readonly string[], files: Readonly<Record<string, string>> = {}, { tellsTime = false } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'vigil-'))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text)
    this.child = spawn(process.execPath, [main, ...args], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe', ...(tellsTime ? (['ipc'] as const) : [])],
    })
    let rest = ''
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine)
      this.#wake()
    })
    this.child.on('exit', () => this.#wake())
  }

  /** It is so late now; resolves when what fell due is done. */
  tell(nowUnixNano: bigint): Promise<void> {
    return tellTime(this.child, nowUnixNano)
  }

  /** Everything it wrote to stderr. */
  get stderr(): string {
    return this.#stderr
  }

  /** The first line whose message matches, now or later. Throws when the process ends or `timeoutMs` passes without it. */
  async line(message: string | RegExp, { after = 0, timeoutMs = 20_000 } = {}): Promise<LogLine> {
    const isMeant = ({ msg }: LogLine) => (typeof message === 'string' ? msg === message : message.test(msg))
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const found = this.lines.slice(after).find(isMeant)
      if (found !== undefined) return found
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`vigil never said ${String(message)}; it said:\n${this.#stderr}`)
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        setTimeout(resolve, 100).unref()
      })
    }
  }

  ready(): Promise<LogLine> {
    return this.line('Everything is ready. Begin running and processing data.')
  }

  /** The port that a server of the `otlp` receiver got. */
  async port(server: 'gRPC' | 'HTTP'): Promise<number> {
    const { endpoint } = await this.line(`Started the ${server} server.`)
    return Number(String(endpoint).split(':').at(-1))
  }

  /** Ends it as an operator would, and gives its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit')
      this.child.kill(signal)
      await exited
    }
    rmSync(this.folder, { recursive: true, force: true })
    return this.child.exitCode
  }
}
