/** A real server from binaries that are installed, in a folder of its own and on a free port: never the one that the machine may run. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const stopMs = 15_000

/** The first of these programs in the folders, or in PATH. */
export function findProgram(names: readonly string[], folders: readonly string[] = []): string | undefined {
  for (const folder of [...folders, ...(process.env['PATH'] ?? '').split(delimiter)])
    for (const name of names) if (isProgram(join(folder, name))) return join(folder, name)
  return undefined
}

function isProgram(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Whom the server runs as: these servers refuse to be root. */
export interface Account {
  readonly uid?: number
  readonly gid?: number
}

export async function accountOf(user: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, user])).stdout)))
  return { uid: uid!, gid: gid! }
}

export async function serverFolder(name: string, { uid, gid }: Account): Promise<string> {
  // Short: the path of a unix socket in it may have 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), `vigil-${name}-`))
  if (uid !== undefined) await chown(folder, uid, gid!)
  return folder
}

export async function runProgram(
  program: string,
  args: readonly string[],
  account: Account,
  cwd: string,
): Promise<void> {
  await run(program, args, { ...account, cwd, maxBuffer: 16 << 20 })
}

export class ServerProcess {
  readonly #folder: string
  readonly #start: () => ChildProcess
  #child: ChildProcess | undefined
  #said = ''

  constructor(program: string, args: readonly string[], account: Account, folder: string) {
    this.#folder = folder
    this.#start = () => spawn(program, args, { ...account, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** `isReady` throws until the server answers. */
  async start(isReady: () => Promise<void>, patienceMs = 60_000): Promise<void> {
    const child = this.#start()
    this.#child = child
    const hear = (text: Buffer) => {
      this.#said = `${this.#said}${text.toString()}`.slice(-4_000)
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    const untilMs = Date.now() + patienceMs
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended at once:\n${this.#said}`)
      try {
        return await isReady()
      } catch (error) {
        if (Date.now() > untilMs) throw new Error(`the server did not answer in time:\n${this.#said}`, { cause: error })
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  /** The data stays. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
    await ended
    clearTimeout(timer)
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }
}
