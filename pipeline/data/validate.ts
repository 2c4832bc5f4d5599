/**
 * The check of a request before it is acknowledged: bounds, wire types of known fields, id lengths, nesting, UTF-8, in one walk.
 *
 * Nesting is limited to 100 messages, as protobufjs limits it; Go's Collector has no limit there, and nothing real comes near. Groups are refused.
 */
import { Rejected } from '../component.ts'
import { request } from './schema.ts'
import type { Signal } from './telemetry.ts'
import { wasm } from './validate.wasm.ts'
import { messageIds, messageNames, validatorTables } from './validate-tables.ts'

export interface Checked {
  /** Spans, data points, log records or profile samples. */
  readonly items: number
  /** Strings that are not UTF-8. */
  readonly badTexts: number
  /** A field that may stand once stands twice: allowed on the wire, but our views want it merged. */
  readonly duplicates: boolean
}

interface Validator {
  readonly memory: WebAssembly.Memory
  readonly fault: WebAssembly.Global<'i32'>
  readonly faultAt: WebAssembly.Global<'i32'>
  readonly faultMessage: WebAssembly.Global<'i32'>
  readonly faultField: WebAssembly.Global<'i32'>
  readonly faultWire: WebAssembly.Global<'i32'>
  readonly items: WebAssembly.Global<'i32'>
  readonly badTexts: WebAssembly.Global<'i32'>
  readonly duplicates: WebAssembly.Global<'i32'>
  validate(start: number, length: number, message: number, maxDepth: number, keyValue: number): number
}

const maxDepth = 100
const pageBytes = 65_536
/** Larger memories are dropped after the call that needed them. */
const keepBytes = 16 * 1024 * 1024
/** No request of this size is checked, whatever the listener lets through. */
const maxRequestBytes = 1024 * 1024 * 1024

const compiled = new WebAssembly.Module(Buffer.from(wasm, 'base64'))
const tables = validatorTables()
const keyValue = messageIds.get('KeyValue')!
const inputAt = Math.ceil(tables.length / pageBytes) * pageBytes

let validator: Validator | undefined
let memory = new Uint8Array(0)

export function validate(signal: Signal, body: Uint8Array): Checked {
  if (body.length > maxRequestBytes) {
    throw refuse(signal, `it has ${body.length} bytes, more than ${maxRequestBytes}; send smaller requests`)
  }
  const run = ready(inputAt + body.length)
  memory.set(body, inputAt)
  const fault = run.validate(inputAt, body.length, messageIds.get(request[signal])!, maxDepth, keyValue)
  const checked = {
    items: run.items.value >>> 0,
    badTexts: run.badTexts.value >>> 0,
    duplicates: run.duplicates.value !== 0,
  }
  const reason = fault === 0 ? '' : `${describe(fault, run)} at byte ${run.faultAt.value >>> 0} of ${body.length}`
  if (memory.length > keepBytes) forget()
  if (fault !== 0) throw refuse(signal, reason)
  return checked
}

function ready(bytes: number): Validator {
  const fresh = validator === undefined
  validator ??= new WebAssembly.Instance(compiled, {}).exports as unknown as Validator
  const missing = bytes - validator.memory.buffer.byteLength
  if (missing > 0) grow(validator.memory, Math.ceil(missing / pageBytes))
  if (missing > 0 || fresh) memory = new Uint8Array(validator.memory.buffer)
  if (fresh) memory.set(tables, 0)
  return validator
}

function grow(into: WebAssembly.Memory, pages: number): void {
  try {
    into.grow(pages)
  } catch (cause) {
    forget()
    throw new Rejected('not enough memory to check the request: send it again later, or in smaller parts', {
      retryable: true,
      grpcCode: 8,
      cause,
    })
  }
}

function forget(): void {
  validator = undefined
  memory = new Uint8Array(0)
}

function describe(fault: number, run: Validator): string {
  const field = `field ${run.faultField.value} of ${messageNames[run.faultMessage.value]}`
  switch (fault) {
    case 1:
      return 'it ends in the middle of a field'
    case 2:
      return 'a varint is too long'
    case 3:
      return 'a field has the number 0'
    case 4:
      return 'a field is longer than what holds it'
    case 5:
      return `${field} has the wrong wire type ${run.faultWire.value}`
    case 6:
      return `${field} has the wire type ${run.faultWire.value}, which OTLP does not use`
    case 7:
      return `messages are nested deeper than ${maxDepth}`
    default:
      return `${field} is an id of the wrong length`
  }
}

function refuse(signal: Signal, reason: string): Rejected {
  return new Rejected(`cannot read the request as OTLP ${signal}: ${reason}`, { retryable: false, grpcCode: 3 })
}
