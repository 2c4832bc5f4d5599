/** The parent process tells the time: `vigil benchmark` and whoever else plays what happened faster than it did. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { ToldTime } from '../graph/told-time.ts'

/** What the parent sends over the IPC channel; it is answered with the same once everything that fell due has been done. */
export interface TimeMessage {
  /** Nanoseconds since 1970 in decimal digits. */
  readonly nowUnixNano: string
}

/** For the parent: it is so late now. Resolves when the child has done what fell due; rejects when it is gone. */
export async function tellTime(child: ChildProcess, nowUnixNano: bigint): Promise<void> {
  const message: TimeMessage = { nowUnixNano: String(nowUnixNano) }
  const gone = new AbortController()
  const end = () => gone.abort(new Error('the process that is told the time has ended'))
  child.once('exit', end)
  try {
    const answered = once(child, 'message', { signal: gone.signal })
    child.send(message)
    await answered
  } finally {
    child.off('exit', end)
  }
}

/** Throws where nobody is there who could tell. */
export function listenForTime(): ToldTime {
  if (process.send === undefined)
    throw new Error(
      '--clock told needs a parent process that tells the time over an IPC channel; leave it out to run by the wall clock',
    )
  const time = new ToldTime()
  process.on('message', (message) => {
    if (!isTime(message)) return
    void time.reach(BigInt(message.nowUnixNano)).then(() => process.send?.(message))
  })
  // A parent that is gone tells no more time; the telemetry that is left still goes out.
  process.channel?.unref()
  return time
}

function isTime(message: unknown): message is TimeMessage {
  const { nowUnixNano } = ((typeof message === 'object' ? message : {}) as Partial<TimeMessage> | null) ?? {}
  return typeof nowUnixNano === 'string' && /^\d{1,19}$/.test(nowUnixNano)
}
