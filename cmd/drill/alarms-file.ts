/** Reads what the `file` exporter writes, as it is written. */
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import { type Anomaly, readAnomaly } from '../../pipeline/vocabulary/anomaly.ts'

/** An alarm, and when it could be read, in milliseconds since 1970 of our own clock. */
export interface Told {
  readonly anomaly: Anomaly
  readonly atMs: number
}

const pollMs = 100

/** Until aborted. */
export async function followAlarms(path: string, tell: (told: Told) => void, signal: AbortSignal): Promise<void> {
  let rest = ''
  let position = 0
  while (!signal.aborted) {
    await delay(pollMs, undefined, { signal }).catch(() => {})
    const file = await open(path).catch(() => undefined)
    if (file === undefined) continue
    try {
      const { size } = await file.stat()
      if (size === position) continue
      const part = Buffer.alloc(size - position)
      const { bytesRead } = await file.read(part, 0, part.length, position)
      position += bytesRead
      rest += part.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
    const atMs = Date.now()
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      for (const record of readOtlp('logs', Buffer.from(line), 'json', noOrigin)) {
        const anomaly = readAnomaly(record)
        if (anomaly !== undefined) tell({ anomaly, atMs })
      }
    }
  }
}
