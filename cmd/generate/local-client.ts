/** OTLP/HTTP to a Collector on this machine, and whether there is one. */
import type { Client } from './client.ts'
import { newClient } from './new-client.ts'

export interface LocalClientOptions {
  readonly port: number
  readonly signal: 'traces' | 'metrics' | 'logs'
  readonly timeoutMs: number
  readonly userAgent: string
}

/** Plain and uncompressed. */
export function localClient({ port, ...options }: LocalClientOptions): Client {
  const url = new URL(`http://127.0.0.1:${port}/v1/${options.signal}`)
  return newClient({ ...options, protocol: 'http/protobuf', compression: 'none', url, headers: [], tls: {} })
}

/** Whether an empty request is taken there. */
export async function answers(port: number, signal: LocalClientOptions['signal']): Promise<boolean> {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/${signal}`, request)
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
