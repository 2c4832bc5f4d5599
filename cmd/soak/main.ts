/** `npm run soak`: load, reloads, clients that go away and a backend that flaps, for as long as asked; then what was lost and what grew. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { VigilProcess } from '../../pipeline/testing/vigil-process.ts'
import { FlappingBackend } from './backend.ts'
import { abortRequests, sendNumbered } from './clients.ts'
import { Ledger } from './ledger.ts'
import { type Sample, sampleOf, summarize } from './samples.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, rate: { type: 'string', default: '6000' } },
})
const minutes = Number(values.minutes)
const rate = Number(values.rate)
if (!(minutes > 0 && minutes <= 240 && rate > 0)) {
  console.error(
    'write --minutes 1 to 240 and --rate in items a second, as in: npm run soak -- --minutes 60 --rate 6000',
  )
  process.exit(2)
}

const yaml = (backend: number, metrics: number, round: number) => `
receivers:
  otlp: { protocols: { grpc: { endpoint: 'localhost:0' }, http: { endpoint: 'localhost:0', max_request_body_size: ${20_971_520 + (round % 2)} } } }
processors:
  memory_limiter: { check_interval: 1s, limit_mib: 1500 }
  batch: { timeout: ${100 + (round % 3) * 50}ms }
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:${backend}
    compression: none
    headers: { x-round: '${round % 5}' }
    retry_on_failure: { initial_interval: 200ms, max_interval: 2s }
service:
  telemetry:
    logs: { encoding: json, level: warn }
    metrics: { level: normal, readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${metrics} } } } }] }
  pipelines:
    logs: { receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_http] }
`
const reloadEveryMs = 15_000
const sampleEveryMs = 10_000

const ledger = new Ledger()
const backend = new FlappingBackend(ledger)
const backendPort = await backend.listen()
const metricsPort = 20_000 + Math.floor(Math.random() * 20_000)
const first = yaml(backendPort, metricsPort, 0).replace('level: warn', 'level: info')
const vigil = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': first })
await vigil.ready()
const ports = { grpc: await vigil.port('gRPC'), http: await vigil.port('HTTP') }

const stop = new AbortController()
const stopAt = Date.now() + minutes * 60_000
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
setTimeout(() => stop.abort(), minutes * 60_000).unref()

let reloads = 0
let aborts = 0
const samples: Sample[] = []
const reloading = setInterval(() => {
  reloads++
  // Every seventh is broken, and must change nothing.
  const text = yaml(backendPort, metricsPort, reloads)
  writeFileSync(join(vigil.folder, 'config.yaml'), reloads % 7 === 0 ? `${text}\nrubbish: [` : text)
  vigil.child.kill('SIGHUP')
}, reloadEveryMs)
const sampling = setInterval(() => {
  sampleOf(metricsPort).then(
    (sample) => {
      samples.push(sample)
      const left = Math.max(0, Math.round((stopAt - Date.now()) / 60_000))
      if (samples.length % 30 === 0) {
        console.log(
          `${left} min left: ${ledger.acknowledgedCount} acknowledged, ${ledger.receivedCount} received, ${sample.rssMiB} MiB, loop P99 ${sample.loopP99Ms} ms`,
        )
      }
    },
    () => {},
  )
}, sampleEveryMs)

await Promise.all([
  sendNumbered('grpc', ports, rate / 3, ledger, stop.signal),
  sendNumbered('http/protobuf', ports, rate / 3, ledger, stop.signal),
  sendNumbered('http/json', ports, rate / 3, ledger, stop.signal),
  abortRequests(ports.http, stop.signal, () => aborts++),
])
clearInterval(reloading)
clearInterval(sampling)
backend.calm()
const code = await vigil.stop()
backend.close()

const stray = vigil.lines.filter(({ msg }) => msg === 'An error was thrown that nobody waited for.').length
const dropped = vigil.lines.filter(({ msg }) => msg.startsWith('Exporting failed. Dropping data.')).length
const { text, isFlat } = summarize(samples)
const lost = ledger.lost()
console.log(`
| | |
|---|---|
| sent | ${ledger.sent} |
| acknowledged | ${ledger.acknowledgedCount} |
| received | ${ledger.receivedCount} |
| duplicates | ${ledger.duplicates} |
| lost | ${lost} |
| reloads, of these broken | ${reloads}, ${Math.floor(reloads / 7)} |
| requests given up by clients | ${aborts} |
| backend refusals, resets | ${backend.refusals}, ${backend.resets} |
| errors that nobody waited for | ${stray} |
| batches dropped | ${dropped} |
| exit code | ${code} |
${text}`)
process.exitCode = lost === 0 && stray === 0 && code === 0 && isFlat ? 0 : 1
