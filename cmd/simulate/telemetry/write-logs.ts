/** Log records of one instance as OTLP, in one piece. */
import { fromChunks } from '../../../pipeline/data/batch.ts'
import { type LogRecordInit, messages, writeLogRecord } from '../../../pipeline/data/items.ts'
import type { Logs } from '../../../pipeline/data/telemetry.ts'
import { enveloped, instrumentation, scopeBytes } from './envelope.ts'

const scope = scopeBytes(instrumentation)

export function writeLogs(resource: Uint8Array, records: readonly LogRecordInit[]): Logs {
  const chunk = enveloped(resource, scope, (to) => messages(to, 18, records, writeLogRecord))
  return fromChunks('logs', [chunk], [records.length])
}
