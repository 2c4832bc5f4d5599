import { connect } from 'node:net'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Protocol } from '../generate/client.ts'
import { newClient } from '../generate/new-client.ts'
import type { Ledger } from './ledger.ts'

export interface Ports {
  readonly grpc: number
  readonly http: number
}

const itemsPerRequest = 100

/** Sends numbered records at about `perSecond` until `signal` aborts. A refused request is not sent again: only what is acknowledged counts. */
export async function sendNumbered(
  protocol: Protocol,
  ports: Ports,
  perSecond: number,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<void> {
  const url = protocol === 'grpc' ? `http://127.0.0.1:${ports.grpc}` : `http://127.0.0.1:${ports.http}/v1/logs`
  const client = newClient({
    signal: 'logs',
    protocol,
    compression: 'none',
    url: new URL(url),
    headers: [],
    tls: {},
    timeoutMs: 30_000,
    userAgent: 'soak',
  })
  const everyMs = (1_000 * itemsPerRequest) / perSecond
  while (!signal.aborted) {
    const started = performance.now()
    const from = ledger.take(itemsPerRequest)
    const builder = newLogs().resource({ 'service.name': 'soak' })
    for (let i = 0; i < itemsPerRequest; i++)
      builder.record({ body: from + i, attributes: { 'thread.name': `worker-${i % 7}` } })
    const [chunk = new Uint8Array()] = builder.build().chunks
    const answer = await client.send(await client.encode(chunk))
    if (answer.outcome === 'accepted') ledger.acknowledge(from, itemsPerRequest)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - (performance.now() - started))))
  }
  client.close()
}

/** Clients that go away in the middle of a request, over and over. */
export async function abortRequests(port: number, signal: AbortSignal, onAbort: () => void): Promise<void> {
  while (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(
          'POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100000\r\n\r\n',
        )
        socket.write(Buffer.alloc(5_000))
        setTimeout(() => socket.resetAndDestroy(), 20)
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
    onAbort()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
