/** Reads a request's body within limits of size, of memory and of patience. */
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../component.ts'
import type { ByteBudget } from './byte-budget.ts'
import { decompress } from './compression.ts'
import { CompressionError } from './compression-error.ts'
import { inTurn } from './turn.ts'

/** Ends a request with this HTTP status. */
export class HttpError extends Error {
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'HttpError'
    this.status = status
  }
}

export interface BodyLimits {
  readonly maxBytes: number
  readonly budget: ByteBudget
  readonly clock: Clock
}
export interface Body {
  readonly bytes: Uint8Array
  /** What it holds of the budget, for its reader to give back. */
  readonly taken: number
}

/** A body of which nothing came for so long is given up. */
const stallMs = 60_000

/** Throws `HttpError`, with upstream's texts, and then holds nothing. */
export async function readBody(request: IncomingMessage, coding: string, limits: BodyLimits): Promise<Body> {
  const { maxBytes, budget } = limits
  const wire = await readWire(request, limits)
  let taken = wire.length
  try {
    const bytes = await decompress(coding, wire, maxBytes)
    const more = bytes.length - taken
    if (more > 0) {
      if (!budget.take(more)) throw outOfRoom()
      taken += more
    }
    return { bytes, taken }
  } catch (cause) {
    budget.give(taken)
    if (!(cause instanceof CompressionError)) throw cause
    throw cause.kind === 'too_large' ? tooLarge() : new HttpError(400, cause.message, { cause })
  }
}

async function readWire(request: IncomingMessage, { maxBytes, budget, clock }: BodyLimits): Promise<Uint8Array> {
  const text = request.headers['content-length']
  const declared = text === undefined ? undefined : Number(text)
  if (declared !== undefined && declared > maxBytes) throw tooLarge()
  // Node holds a client to the length it declared, so that each byte of this is written before it is read.
  const whole = declared === undefined ? undefined : new Uint8Array(Buffer.allocUnsafeSlow(declared).buffer)
  const parts: Uint8Array[] = []
  let length = 0
  let seen = -1
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  request.on('data', (chunk: Buffer) => {
    if (length + chunk.length > maxBytes) return reject(tooLarge())
    if (!budget.take(chunk.length)) return reject(outOfRoom())
    if (whole) whole.set(chunk, length)
    else parts.push(chunk)
    length += chunk.length
  })
  request.on('end', resolve)
  request.on('error', (cause) => reject(new HttpError(400, 'unexpected EOF', { cause })))
  request.on('close', () => reject(new HttpError(400, 'unexpected EOF')))
  const stopWatch = clock.every(stallMs, () => {
    if (length === seen) reject(new HttpError(408, 'the request stalled for a minute'))
    seen = length
  })
  try {
    await promise
    await new Promise<void>(inTurn)
    return whole ?? gather(parts, length)
  } catch (error) {
    request.removeAllListeners('data')
    budget.give(length)
    throw error
  } finally {
    stopWatch()
  }
}

function gather(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function tooLarge(): HttpError {
  return new HttpError(400, 'http: request body too large')
}
function outOfRoom(): HttpError {
  return new HttpError(503, 'too many bytes of requests in flight')
}
