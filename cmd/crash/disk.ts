/** What happens to the files between two lives. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Disk {
  readonly directory: string
  /** Why it cannot be filled, where it cannot. */
  readonly unbounded: string | undefined
  close(): void
}

/** A disk so small that the load fills it, where this process may mount one; else a folder. */
export function makeDisk(items: number): Disk {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-crash-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return { directory, unbounded: 'only root on Linux can mount a small disk', close: remove }
  }
  // An item takes about 80 bytes, so a tenth of them fill it.
  const kilobytes = Math.max(256, Math.min(16 * 1024, Math.round((items * 8) / 1024)))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', directory], { stdio: 'ignore' })
  } catch {
    return { directory, unbounded: 'this machine lets nobody mount', close: remove }
  }
  const close = () => {
    execFileSync('umount', [directory])
    remove()
  }
  return { directory, unbounded: undefined, close }
}

/** Leaves the end of a file as a crash in the middle of a write may leave it. What was written before stays. The answer is what was done. */
export function injure(directory: string, random: () => number): string {
  const queues = readdirSync(directory).filter((name) => name.endsWith('.queue'))
  const files = queues.flatMap((queue) =>
    readdirSync(join(directory, queue)).map((name) => join(directory, queue, name)),
  )
  const pick = (suffix: string) =>
    files
      .filter((name) => name.endsWith(suffix))
      .sort()
      .at(-1)
  const segment = pick('.segment')
  const marks = pick('.acks')
  const kind = Math.floor(random() * 4)
  try {
    if (kind === 0 && segment !== undefined) {
      appendFileSync(segment, Buffer.from(Array.from({ length: 1 + Math.floor(random() * 300) }, () => random() * 256)))
      return 'garbage'
    }
    if (kind === 1 && segment !== undefined) {
      // The segment's first record again, without its end.
      const bytes = readFileSync(segment)
      const length = bytes.length > 64 ? bytes.readUInt32LE(32 + 12) + bytes.readUInt32LE(32 + 16) : 0
      appendFileSync(segment, bytes.subarray(32, 32 + 1 + Math.floor(random() * (31 + length))))
      return 'half a record'
    }
    if (kind === 2 && marks !== undefined) {
      appendFileSync(marks, Buffer.alloc(1 + Math.floor(random() * 19), 7))
      return 'half a mark'
    }
  } catch {
    return 'nothing, as the disk is full'
  }
  return 'nothing'
}
