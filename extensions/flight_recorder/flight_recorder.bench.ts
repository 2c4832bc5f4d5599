/** CPU time of recording, all threads and the disk's system calls included, beside taking a batch and doing nothing: `node extensions/flight_recorder/flight_recorder.bench.ts`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import nop from '../../exporters/nop/index.ts'
import {
  type FlightRecorder,
  flightRecorder,
  type Recording,
  recording,
} from '../../pipeline/capability/flight-recorder.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Logs, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { logsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const items = 1_000
const folder = mkdtempSync(join(tmpdir(), 'vigil-recorder-bench-'))
const { instance, context } = build(factory, `directory: ${folder}\nmax_bytes: 256MiB`, { kind: 'extension' })
await instance.start!()
context.clock.nowMs = () => performance.now()
const to = instance.provides!.get(recording) as Recording
const recorder = instance.provides!.get(flightRecorder) as FlightRecorder
const bodies = {
  traces: Array.from({ length: 16 }, (_, seed) => Buffer.concat(tracesPayload(items, { seed }).chunks)),
  logs: Array.from({ length: 16 }, (_, seed) => Buffer.concat(logsPayload(items, { seed }).chunks)),
}
/** As it comes from the network: checked, not yet looked at. */
function fresh(signal: 'traces' | 'logs', round: number): Traces | Logs {
  const body = bodies[signal][round % 16]!
  return readOtlp(signal, new Uint8Array(body.buffer, body.byteOffset, body.length), 'proto', { metadata: new Map() })
}
const nothing = build(nop, '')
for (const signal of ['traces', 'logs'] as const) {
  const base = await cpuMicros((round) => nothing.handle(fresh(signal, round)))
  const recorded = await cpuMicros(async (round) => {
    to.record(fresh(signal, round))
    // As often as the buffer would be written.
    if (round % 2 === 1) await recorder.traces({ traceIds: [] })
  })
  const cost = (recorded - base) / items
  const megabytes = bodies[signal][0]!.length / items
  console.log(
    `${signal.padEnd(8)} ${megabytes.toFixed(0)} bytes an item: received ${(base / items).toFixed(3)} us, recorded ${(recorded / items).toFixed(3)} us; recording ${cost.toFixed(3)} CPU-s per million`,
  )
}
to.record(fresh('traces', 3))
await recorder.traces({ traceIds: [] })
const known = [...tracesPayload(items, { seed: 3 })].map(({ traceId }) => traceId)
const start = performance.now()
const { count } = await recorder.traces({ traceIds: known.slice(0, 1), maxBytes: 1 })
console.log(
  `reading a trace that is in the newest records: ${(performance.now() - start).toFixed(1)} ms (${count} spans)`,
)
await instance.shutdown!(AbortSignal.timeout(10_000))
const again = build(factory, `directory: ${folder}\nmax_bytes: 256MiB`, { kind: 'extension' })
const restarted = performance.now()
await again.instance.start!()
const ready = performance.now()
await (again.instance.provides!.get(flightRecorder) as FlightRecorder).traces({ traceIds: ['0'.repeat(32)] })
console.log(
  `start: ${(ready - restarted).toFixed(0)} ms; all 256 MiB readable after ${(performance.now() - restarted).toFixed(0)} ms`,
)
await again.instance.shutdown!(AbortSignal.timeout(10_000))
rmSync(folder, { recursive: true })
