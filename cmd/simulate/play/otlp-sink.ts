/** To a Collector, over gRPC or HTTP. Retries what may pass; when too much is under way, the world waits. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Batch, Signal } from '../../../pipeline/data/telemetry.ts'
import type { Client } from '../../generate/client.ts'
import type { Sink } from './sink.ts'

const maxUnderWay = 64
const maxAttempts = 6
const firstBackoffMs = 100
const maxErrors = 10

export function otlpSink(newClient: (signal: 'traces' | 'metrics' | 'logs') => Client): Sink {
  const clients = { traces: newClient('traces'), metrics: newClient('metrics'), logs: newClient('logs') }
  const items: Partial<Record<Signal, number>> = {}
  const errors = new Set<string>()
  const underWay = new Set<Promise<void>>()
  let [requests, lost] = [0, 0]

  async function deliver(batch: Batch): Promise<void> {
    if (batch.signal === 'profiles') return
    const client = clients[batch.signal]
    const encoded = await client.encode(Buffer.concat(batch.chunks))
    for (let attempt = 1; ; attempt++) {
      requests++
      const answer = await client.send(encoded)
      if (answer.message !== '' && errors.size < maxErrors) errors.add(answer.message)
      if (answer.outcome === 'accepted') {
        items[batch.signal] = (items[batch.signal] ?? 0) + batch.count - answer.rejected
        lost += answer.rejected
        return
      }
      if (answer.outcome === 'refused' || attempt === maxAttempts) {
        lost += batch.count
        return
      }
      await delay(answer.retryAfterMs ?? firstBackoffMs * 2 ** attempt)
    }
  }

  return {
    send(batch) {
      const one: Promise<void> = deliver(batch).finally(() => underWay.delete(one))
      underWay.add(one)
    },
    caughtUp: () => (underWay.size < maxUnderWay ? undefined : Promise.race(underWay)),
    async close() {
      await Promise.all(underWay)
      for (const client of Object.values(clients)) client.close()
      return { items, requests, lost, errors: [...errors] }
    },
  }
}
