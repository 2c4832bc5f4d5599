/** The one line a batch of verbosity `basic`: counts by upstream's names, from the wire without decoding it. */
import { countFields, type FieldPath } from '../../pipeline/data/json/count-fields.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'

export interface Summary {
  readonly message: string
  readonly fields: Readonly<Record<string, number>>
}

export function summarize(batch: Batch): Summary {
  const resources = countIn(batch, resourcePath)
  switch (batch.signal) {
    case 'traces':
      return { message: 'Traces', fields: { 'resource spans': resources, spans: batch.count } }
    case 'logs':
      return { message: 'Logs', fields: { 'resource logs': resources, 'log records': batch.count } }
    case 'metrics': {
      const fields = { 'resource metrics': resources, metrics: countIn(batch, metricPath), 'data points': batch.count }
      return { message: 'Metrics', fields }
    }
    case 'profiles':
      return { message: 'Profiles', fields: { 'resource profiles': resources, 'sample records': batch.count } }
  }
}

const resourcePath: FieldPath = [[1]]
const metricPath: FieldPath = [[1], [2], [2]]

function countIn(batch: Batch, path: FieldPath): number {
  return batch.chunks.reduce((sum, chunk) => sum + countFields(chunk, path), 0)
}
