/** Where log lines go: stderr, stdout, files. */
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { LineWriter, openStandard } from './line-writer.ts'

export interface LogDrops {
  /** Held back by `logs::sampling`. */
  sampled: number
  /** The output did not take them in time. */
  blocked: number
}

export class LogOutput {
  private readonly writers: readonly LineWriter[]
  private readonly flushNow = () => {
    for (const writer of this.writers) writer.flushSync()
  }

  /** Throws when a file cannot be opened. `onError` hears of each failed write; the line is tried again with the next one. */
  constructor(paths: readonly string[], drops: LogDrops, onError: (path: string, error: Error) => void) {
    const onDrop = () => drops.blocked++
    this.writers = openAll(paths).map(
      ([path, fd]) => new LineWriter(fd, { onDrop, onError: (error) => onError(path, error) }),
    )
    process.on('exit', this.flushNow)
  }

  write(line: string): void {
    for (const writer of this.writers) writer.write(line)
  }

  /** Writes what is held, for at most a second, and closes the files. What is logged later is lost. */
  async close(): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.end()))
    process.off('exit', this.flushNow)
  }
}

/** All or none. */
function openAll(paths: readonly string[]): [path: string, fd: number][] {
  const opened: [string, number][] = []
  try {
    for (const path of paths) opened.push([path, open(path)])
  } catch (error) {
    for (const [, fd] of opened) if (fd > 2) closeSync(fd)
    throw error
  }
  return opened
}

function open(path: string): number {
  if (path === 'stderr') return openStandard(2)
  if (path === 'stdout') return openStandard(1)
  try {
    return openSync(path.startsWith('file:') ? fileURLToPath(path) : path, 'a', 0o666)
  } catch (cause) {
    throw new Error(`open sink ${JSON.stringify(path)}: create its directory or name another file`, { cause })
  }
}
