/** OTLP in JSON. The first byte of an input is the signal. */
import { Rejected } from '../../pipeline/component.ts'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readJson } from '../../pipeline/data/json/read-json.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { logsPayload, metricsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import { checkBatch, signals, writesJson } from './batch-checks.ts'
import { otlpJson } from './json-text.ts'
import { bytesOf, hashOf, must, type Target } from './target.ts'

const tokens = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '\\',
  '\\u',
  '\\ud83d',
  '\\u0000',
  'null',
  'true',
  'false',
  '0',
  '-',
  '1e400',
  '18446744073709551616',
  '-9223372036854775809',
  '"NaN"',
  '\ufeff',
  '\0',
  '{"arrayValue":{"values":[',
  '{"kvlistValue":{"values":[{"value":',
  '[[[[[[[[',
  '{"a":{"a":',
  '"resourceSpans":[',
  '"attributes":[{"key":"a","value":{"stringValue":"b"}}]',
  ',"intValue":"1"',
].map(bytesOf)

export function jsonTarget(): Target {
  const one = { services: ['shop'] }
  return {
    maxBytes: 8_192,
    family: 16,
    tokens: [...tokens, Uint8Array.of(0xff), Uint8Array.of(0xc3, 0x28), Uint8Array.of(0xed, 0xa0, 0x80)],
    seeds: [tracesPayload(1, one), metricsPayload(2, one), logsPayload(1, one)].map((batch) =>
      input(batch.signal, writeJson(batch)),
    ),
    generate: (random) => {
      const signal = signals[random.below(7) % signals.length]!
      return input(signal, otlpJson(signal, random))
    },
    run,
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function run(bytes: Uint8Array, thorough: boolean): boolean {
  const signal = signals[(bytes[0] ?? 0) % signals.length]!
  const body = bytes.slice(1)
  let batch: Batch
  try {
    readJson(signal, body)
    batch = readOtlp<Signal>(signal, body, 'json', noOrigin)
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    must(!error.retryable && error.grpcCode === 3, `refused as retryable=${error.retryable}, code ${error.grpcCode}`)
    must(error.message.length > 20, `a refusal without a reason: ${error.message}`)
    return false
  }
  const choice = hashOf(bytes)
  // Whatever we take is JSON to others too.
  if (thorough || choice % 4 === 0) JSON.parse(decoder.decode(body))
  must(batch.byteLength <= 64 + body.length * 2, `${batch.byteLength} bytes of protobuf for ${body.length} of JSON`)
  writesJson(batch)
  checkBatch(batch, thorough ? undefined : choice)
  return true
}

function input(signal: Signal, text: string): Uint8Array {
  return Uint8Array.from([signals.indexOf(signal), ...bytesOf(text)])
}
