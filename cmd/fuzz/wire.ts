/** OTLP protobuf: the way in, and everything that can be done with what came in. The first byte of an input is the signal. */
import { Rejected } from '../../pipeline/component.ts'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { validate } from '../../pipeline/data/validate.ts'
import { logsPayload, metricsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import { checkBatch, meansTheSame, protobufjsReads, signals } from './batch-checks.ts'
import { otlpMessage } from './otlp-message.ts'
import type { Random } from './random.ts'
import { hashOf, must, type Target } from './target.ts'

const tokens = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
  [0x80, 0x00],
  [0x0a, 0x00],
  [0x12, 0x00],
  [0x1a, 0x00],
  [0x2a, 0x02, 0x0a, 0x00],
  [0x32, 0x02, 0x0a, 0x00],
  [0x0b],
  [0x0c],
  [0x00],
  [0x08, 0x01],
  [0x0d, 0, 0, 0, 0],
  [0x09, 0, 0, 0, 0, 0, 0, 0, 0],
  [0xed, 0xa0, 0x80],
  [0xc0, 0x80],
  [0x0a, 0x01, 0x61, 0x12, 0x03, 0x0a, 0x01, 0x62],
].map((bytes) => Uint8Array.from(bytes))

/** Small inputs are read faster, and damage hits more of what matters. */
const one = { services: ['shop'] }

export function wireTarget(): Target {
  return {
    maxBytes: 8_192,
    family: 16,
    tokens,
    seeds: [
      withSignal('traces', tracesPayload(1, one)),
      withSignal('metrics', metricsPayload(2, one)),
      withSignal('logs', logsPayload(1, one)),
    ],
    generate: (random) => generate(random),
    run,
  }
}

function generate(random: Random): Uint8Array {
  const at = random.below(7) % signals.length
  const message = otlpMessage(signals[at]!, random)
  const input = new Uint8Array(1 + message.length)
  input[0] = at
  input.set(message, 1)
  return input
}

function run(input: Uint8Array, thorough: boolean): boolean {
  const signal = signals[(input[0] ?? 0) % signals.length]!
  // A copy: the batch keeps it, as it keeps the buffer of a request.
  const body = input.slice(1)
  let batch: Batch
  try {
    batch = readOtlp<Signal>(signal, body, 'proto', noOrigin)
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    must(!error.retryable && error.grpcCode === 3, `refused as retryable=${error.retryable}, code ${error.grpcCode}`)
    must(error.message.startsWith('cannot read the request as OTLP'), `a refusal without a reason: ${error.message}`)
    return false
  }
  const { badTexts, duplicates } = validate(signal, body)
  // It refuses text that is not UTF-8, which we repair.
  const choice = hashOf(input)
  if (badTexts === 0 && (thorough || choice % 4 === 0)) protobufjsReads(signal, body)
  checkBatch(batch, thorough ? undefined : choice)
  const isCompared = thorough || choice % 32 === 0 || batch.chunks[0] !== body
  if (isCompared && badTexts === 0 && !duplicates) meansTheSame(signal, body, batch)
  return true
}

function withSignal(signal: Signal, batch: Batch): Uint8Array {
  return Uint8Array.from([signals.indexOf(signal), ...Buffer.concat(batch.chunks)])
}
