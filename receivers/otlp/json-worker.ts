/** Turns large OTLP JSON into protobuf, off the event loop. */
import { parentPort } from 'node:worker_threads'
import { readJson } from '../../pipeline/data/json/read-json.ts'
import type { Signal } from '../../pipeline/data/telemetry.ts'

export interface Task {
  readonly id: number
  readonly signal: Signal
  readonly body: Uint8Array<ArrayBuffer>
}
export type Result =
  | { readonly id: number; readonly proto: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly error: string; readonly grpcCode: number | undefined }

parentPort?.on('message', ({ id, signal, body }: Task) => {
  try {
    // A buffer of its own, so that it can be handed over.
    const proto = new Uint8Array(readJson(signal, body))
    parentPort?.postMessage({ id, proto } satisfies Result, [proto.buffer])
  } catch (error) {
    const { message, grpcCode } = error as Error & { grpcCode?: number }
    parentPort?.postMessage({ id, error: message, grpcCode } satisfies Result)
  }
})
