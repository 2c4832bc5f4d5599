/** Who sent the batch: `otelcol.client.addr`, `otelcol.client.metadata["x"]`. Read-only. */
import type { PathSpec, PathTable } from './path.ts'

const metadata: PathSpec = {
  index: 'value',
  get: (frame) => Object.fromEntries(frame.origin?.metadata ?? []),
  entry: (name) => ({ get: (frame) => frame.origin?.metadata.get(name(frame).toLowerCase()) ?? null }),
}

export const otelcolPaths: PathTable = {
  client: {
    get: () => null,
    next: { addr: { get: (frame) => frame.origin?.address ?? null }, metadata },
  },
  grpc: { get: () => null, next: { metadata } },
}
