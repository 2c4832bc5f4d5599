/** The rows that need no socket: what `pipeline/data/data.bench.ts` prints. */
import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const file = resolve(import.meta.dirname, '../../pipeline/data/data.bench.ts')
const timeoutMs = 10 * 60_000

/** Undefined where this checkout has no such benchmark. */
export async function measureInProcess(): Promise<string | undefined> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const { stdout } = await run(process.execPath, [file], { timeout: timeoutMs, maxBuffer: 16 << 20 })
  return stdout.trim()
}
