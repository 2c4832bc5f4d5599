import assert from 'node:assert/strict'
import { Rejected } from '../component.ts'

/** The refusal of what was sent. */
export async function rejection(sent: Promise<unknown>): Promise<Rejected> {
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Rejected, String(error))
  return error
}
