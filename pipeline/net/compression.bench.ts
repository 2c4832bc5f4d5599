/** What the codings cost on spans as they come (1,000 a request) and as they leave (8,000): `node pipeline/net/compression.bench.ts [coding]`. */
import { cpuMicros } from '../testing/cpu-bench.ts'
import { tracesPayload } from '../testing/payloads.ts'
import { compress, decompress } from './compression.ts'

const spans = 1_000
const requestsInBatch = 8
const requests = Array.from({ length: requestsInBatch * 2 }, (_, seed) => tracesPayload(spans, { seed }).chunks).flat()
const batches = [requests.slice(0, requestsInBatch), requests.slice(requestsInBatch)]
const plainBytes = requests.reduce((sum, { length }) => sum + length, 0) / requests.length / spans

async function measure<T>(inputs: readonly T[], spansInInput: number, run: (input: T) => Promise<Uint8Array>) {
  let bytes = 0
  for (const input of inputs) bytes += (await run(input)).length
  const round = (n: number) => run(inputs[n % inputs.length]!)
  const micros = (await cpuMicros(round, { warmUpRounds: 0, windows: 3, windowMs: 300 })) / spansInInput
  return { micros, bytes: bytes / inputs.length / spansInInput }
}

const chosen = process.argv[2]
const rows: readonly (readonly [coding: string, levels: readonly (number | undefined)[]])[] = [
  ['gzip', [undefined, 1, 3, 6]],
  ['zstd', [undefined, 2, 3, 6]],
  ['snappy', [undefined]],
  ['x-snappy-framed', [undefined]],
  ['lz4', [undefined]],
]
console.log(`${plainBytes.toFixed(0)} bytes a span, plain\n`)
console.log('coding           level    compress us/span  bytes/span  decompress us/span')
for (const [coding, levels] of rows) {
  if (chosen !== undefined && chosen !== coding) continue
  for (const level of levels) {
    const out = await measure(batches, spans * requestsInBatch, (chunks) => compress(coding, chunks, level))
    const packed = await Promise.all(requests.map((body) => compress(coding, [body], level)))
    const back = await measure(packed, spans, (body) => decompress(coding, body, 64 << 20))
    console.log(
      `${coding.padEnd(16)} ${String(level ?? 'default').padEnd(8)} ${out.micros.toFixed(2).padStart(16)}` +
        `${out.bytes.toFixed(1).padStart(12)}${back.micros.toFixed(2).padStart(20)}`,
    )
  }
}
