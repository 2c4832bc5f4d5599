/** OTLP JSON, one request a line, as the `file` exporter writes it and the `otlp_json_file` receiver reads it. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { writeJson } from '../../../pipeline/data/json/write-json.ts'
import type { Signal } from '../../../pipeline/data/telemetry.ts'
import type { Sink } from './sink.ts'

export function fileSink(path: string): Sink {
  const stream = createWriteStream(path)
  const items: Partial<Record<Signal, number>> = {}
  let requests = 0
  let error: Error | undefined
  stream.once('error', (cause) => (error = cause))
  return {
    send(batch) {
      items[batch.signal] = (items[batch.signal] ?? 0) + batch.count
      requests++
      stream.write(`${writeJson(batch)}\n`)
    },
    caughtUp: () => {
      if (error !== undefined) throw new Error(`cannot write ${path}: ${error.message}`, { cause: error })
      return stream.writableNeedDrain ? once(stream, 'drain').then(() => {}) : undefined
    },
    async close() {
      stream.end()
      await finished(stream)
      return { items, requests, lost: 0, errors: [] }
    },
  }
}
