/** A child of the benchmark: the sender. Encodes its payloads first, then sends them round and round for as long as it is told. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Client, ClientSettings } from '../generate/client.ts'
import { newClient } from '../generate/new-client.ts'
import { newPayloads } from '../generate/payloads.ts'

export interface LoadSettings extends Omit<ClientSettings, 'url' | 'headers' | 'tls'> {
  readonly url: string
  readonly itemsPerRequest: number
  /** How many payloads there are; what a collector caches by content must not help it. */
  readonly distinct: number
  readonly inFlight: number
}
export interface LoadResult {
  readonly accepted: number
  readonly refused: number
  readonly seconds: number
  /** Of the first answer that was not a plain yes. */
  readonly message: string
}

const refusedPauseMs = 20

const settings = JSON.parse(process.argv[2]!) as LoadSettings
const client = newClient({ ...settings, url: new URL(settings.url), headers: [], tls: {} })
const bodies = await encodeAll(client, settings)
let turn = 0

process.on('message', (forMs: number) => void load(forMs).then((result) => process.send!(result)))
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
process.send!({ bytes: bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length })

async function load(forMs: number): Promise<LoadResult> {
  const begun = performance.now()
  let accepted = 0
  let refused = 0
  let message = ''
  const lane = async () => {
    while (performance.now() - begun < forMs) {
      const answer = await client.send(bodies[turn++ % bodies.length]!)
      const rejected = answer.outcome === 'accepted' ? answer.rejected : settings.itemsPerRequest
      accepted += settings.itemsPerRequest - rejected
      refused += rejected
      message ||= answer.message
      if (rejected > 0) await delay(refusedPauseMs)
    }
  }
  await Promise.all(Array.from({ length: settings.inFlight }, lane))
  return { accepted, refused, seconds: (performance.now() - begun) / 1_000, message }
}

async function encodeAll(encoder: Client, { signal, distinct, itemsPerRequest }: LoadSettings): Promise<Uint8Array[]> {
  const begin = Date.now()
  const next = newPayloads(signal, { seed: 1, service: undefined, startedUnixMs: begin })
  const encoded: Uint8Array[] = []
  for (let i = 0; i < distinct; i++) encoded.push(await encoder.encode(next(itemsPerRequest, begin + i * 1_000)))
  return encoded
}
