/** A batch as text. */
import { decodeTree, type Tree } from '../../pipeline/data/json/decode-tree.ts'
import type { Signal } from '../../pipeline/data/telemetry.ts'
import { detailedLogs } from './detailed-logs.ts'
import { detailedMetrics } from './detailed-metrics.ts'
import { detailedProfiles } from './detailed-profiles.ts'
import { detailedTraces } from './detailed-traces.ts'
import { normalLogs, normalMetrics, normalProfiles, normalTraces } from './normal.ts'
import { resolveReferences } from './references.ts'

/** Batches of several requests read as one, but for profiles, whose dictionaries belong to one request each. */
export function render(signal: Signal, chunks: readonly Uint8Array[], verbosity: 'normal' | 'detailed'): string {
  const requests = chunks.map((chunk) => decodeTree(signal, chunk))
  const isDetailed = verbosity === 'detailed'
  switch (signal) {
    case 'traces':
      return (isDetailed ? detailedTraces : normalTraces)(all(requests, 'resourceSpans'))
    case 'logs':
      return (isDetailed ? detailedLogs : normalLogs)(all(requests, 'resourceLogs'))
    case 'metrics':
      return (isDetailed ? detailedMetrics : normalMetrics)(all(requests, 'resourceMetrics'))
    case 'profiles':
      return requests
        .map((request) => {
          resolveReferences(request)
          return (isDetailed ? detailedProfiles : normalProfiles)(request)
        })
        .join('')
  }
}

function all(requests: readonly Tree[], name: string): readonly Tree[] {
  return requests.flatMap((request) => request.trees(name))
}
