/**
 * What it costs to play a world in real time: CPU seconds of this process per second of the world, everything included, with gRPC to a Collector (a process
 * of its own) that answers. `node cmd/simulate/simulate.bench.ts [topology] [spans a second] [seconds]`
 */
import { fileURLToPath } from 'node:url'
import { VigilProcess } from '../../pipeline/testing/vigil-process.ts'
import { endpointUrl } from '../generate/endpoint.ts'
import { newClient } from '../generate/new-client.ts'
import { otlpSink } from './play/otlp-sink.ts'
import { Pace, play } from './play/pace.ts'
import { quiet } from './scenario/read.ts'
import { prepare } from './scenario/run.ts'
import { readTopology } from './topology/read.ts'

const services60 = fileURLToPath(new URL('../../examples/topologies/services-60.yaml', import.meta.url))
const [file = services60, wanted = '20000', seconds = '20'] = process.argv.slice(2)
const config = `
receivers: { otlp: { protocols: { grpc: { endpoint: "localhost:0" } } } }
exporters: { nop: {} }
service:
  telemetry: { metrics: { level: none }, logs: { encoding: json } }
  pipelines:
    traces: { receivers: [otlp], exporters: [nop] }
    metrics: { receivers: [otlp], exporters: [nop] }
    logs: { receivers: [otlp], exporters: [nop] }
`
const warmUpMs = 10_000
/** Of the topology as it is, found by a short run that nobody receives. */
const spansPerRequest = await count(file)

const collector = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config })
try {
  const read = await readTopology(file)
  const rate = Number(wanted) / spansPerRequest
  const url = endpointUrl(`localhost:${await collector.port('gRPC')}`, 'grpc', 'traces', true)
  const sink = otlpSink((signal) =>
    newClient({
      signal,
      protocol: 'grpc',
      compression: 'none',
      url,
      headers: [],
      tls: {},
      timeoutMs: 10_000,
      userAgent: 'vigil-bench',
    }),
  )
  let spans = 0
  const { world } = prepare({
    topology: { ...read, users: { ...read.users, rate } },
    scenario: quiet,
    seed: 1,
    startMs: Date.UTC(2026, 10, 21, 10),
    send: (batch) => {
      if (batch.signal === 'traces') spans += batch.count
      sink.send(batch)
    },
  })
  const { signal } = new AbortController()
  const pace = new Pace(1)
  await play(world, sink, { pace, durationMs: warmUpMs, signal })
  spans = 0
  const before = process.cpuUsage()
  const lagMs = await play(world, sink, { pace, durationMs: warmUpMs + Number(seconds) * 1_000, signal })
  const used = process.cpuUsage(before)
  const { lost } = await sink.close()
  const cpu = (used.user + used.system) / 1e6 / Number(seconds)
  console.log(
    `${read.name}: ${Math.round(spans / Number(seconds))} spans a second, ${cpu.toFixed(3)} CPU seconds per second of the world ` +
      `(${((cpu * 1e6 * Number(seconds)) / spans).toFixed(1)} us a span), ${Math.round(lagMs)} ms behind at worst, ${lost} lost`,
  )
} finally {
  await collector.stop()
}

async function count(topology: string): Promise<number> {
  const read = await readTopology(topology)
  let [spans, requests] = [0, 0]
  const { world, exports } = prepare({
    topology: read,
    scenario: quiet,
    seed: 1,
    startMs: Date.UTC(2026, 10, 21, 10),
    send: (batch) => (spans += batch.signal === 'traces' ? batch.count : 0),
  })
  world.runUntil(warmUpMs)
  exports.flushAll()
  for (const { demand } of world.load.served.values()) requests += demand
  // The rate swings over the day: what counts is what it is now.
  return (spans / requests) * (world.load.rate / read.users.rate)
}
