/** A receiver in the engine as a user has it, with all that it can tell of a server switched on. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Factory } from '../../component.ts'
import type { Logs, Metrics } from '../../data/telemetry.ts'
import { startEngine } from '../engine.ts'
import { memorySink } from '../memory.ts'

export interface AskedServerOptions {
  readonly factory: Factory
  readonly metrics: readonly string[]
  readonly port: number
  readonly username: string
  readonly password: string
  /** YAML below the receiver, indented by four. */
  readonly keys?: string
  /** YAML between the receivers and the exporters. */
  readonly more?: string
}

export async function askServer(
  t: TestContext,
  { factory, metrics, port, username, password, keys = '', more = '' }: AskedServerOptions,
) {
  const { type } = factory
  const sink = memorySink()
  const all = metrics.map((name) => `      ${name}: { enabled: true }\n`).join('')
  const engine = await startEngine(
    `receivers:
  ${type}:
    endpoint: 127.0.0.1:${port}
    username: ${username}
    password: ${password}
${keys}    collection_interval: 300ms
    initial_delay: 1ms
    top_query_collection: { collection_interval: 1s }
    metrics:
${all}    events:
      db.server.query_sample: { enabled: true }
      db.server.top_query: { enabled: true }
${more}exporters: { sink: {} }
service:
  pipelines:
    metrics: { receivers: [${type}], exporters: [sink] }
    logs: { receivers: [${type}], exporters: [sink] }
`,
    [factory, sink.factory],
  )
  t.after(() => engine.stop())
  const points = () => sink.received.flatMap(({ batch }) => (batch.signal === 'metrics' ? [...(batch as Metrics)] : []))
  const records = (event: string) =>
    sink.received
      .flatMap(({ batch }) => (batch.signal === 'logs' ? [...(batch as Logs)] : []))
      .filter(({ eventName }) => eventName === event)
  return { sink, points, records }
}

/** What these servers show comes in its own time. */
export async function until(isTrue: () => boolean, what: string, patienceMs = 20_000): Promise<void> {
  for (const startMs = performance.now(); !isTrue(); ) {
    if (performance.now() - startMs > patienceMs) assert.fail(`not within ${patienceMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
