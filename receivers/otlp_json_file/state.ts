/** What survives a reload: the marks of all files, as JSON. */
import { z } from 'zod'
import type { Mark } from './tailed-file.ts'

const saved = z.object({
  version: z.literal(1),
  files: z.array(
    z.object({ fingerprint: z.base64(), tail: z.base64(), offset: z.int().min(0), line: z.int().optional() }),
  ),
})

export function writeState(marks: readonly Mark[]): Uint8Array {
  const files = marks.map(({ fingerprint, offset, tail, line }) => ({
    fingerprint: fingerprint.toString('base64'),
    tail: tail.toString('base64'),
    offset,
    ...(line === undefined ? {} : { line }),
  }))
  return Buffer.from(JSON.stringify({ version: 1, files } satisfies z.input<typeof saved>))
}

/** Throws when it is of another version or broken. */
export function readState(state: Uint8Array): readonly Mark[] {
  const { files } = saved.parse(JSON.parse(Buffer.from(state).toString('utf8')))
  return files.map(({ fingerprint, offset, tail, line }) => ({
    fingerprint: Buffer.from(fingerprint, 'base64'),
    tail: Buffer.from(tail, 'base64'),
    offset,
    line,
  }))
}
