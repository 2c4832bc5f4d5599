/** What kubectl sends as Protocol Buffers and not as JSON when it drains a node. */
import { type Fields, StatusError } from './object.ts'

type Message = ReadonlyMap<number, readonly (number | Buffer)[]>

/** `policy/v1` Eviction in the envelope of Kubernetes (`k8s\0`, then `runtime.Unknown`): what of it matters here. */
export function evictionOf(bytes: Buffer): Fields {
  const options = partOf(read(opened(bytes)), 2)
  if (options === undefined) return {}
  const deleteOptions = optionsOf(options)
  return { dryRun: deleteOptions.dryRun, deleteOptions }
}

/** `meta/v1` DeleteOptions. */
export function deleteOptionsOf(bytes: Buffer): Fields {
  return optionsOf(opened(bytes))
}

function opened(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 0, 4) !== 'k8s\0') throw unreadable()
  return partOf(read(bytes.subarray(4)), 2) ?? Buffer.alloc(0)
}

function optionsOf(options: Buffer): Fields {
  const fields = read(options)
  const preconditions = partOf(fields, 2)
  const texts = preconditions === undefined ? undefined : read(preconditions)
  const gracePeriodSeconds = fields.get(1)?.[0]
  const dryRun = (fields.get(5) ?? []).map(String)
  return {
    ...(typeof gracePeriodSeconds === 'number' ? { gracePeriodSeconds } : {}),
    ...(texts === undefined
      ? {}
      : { preconditions: { uid: partOf(texts, 1)?.toString(), resourceVersion: partOf(texts, 2)?.toString() } }),
    dryRun,
  }
}

function partOf(message: Message, field: number): Buffer | undefined {
  const value = message.get(field)?.at(-1)
  return Buffer.isBuffer(value) ? value : undefined
}

/** Fields by number. */
function read(bytes: Buffer): Message {
  const fields = new Map<number, (number | Buffer)[]>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) throw unreadable()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw unreadable()
  }
  while (at < bytes.length) {
    const key = varint()
    const values = fields.get(Math.floor(key / 8)) ?? []
    fields.set(Math.floor(key / 8), values)
    if (key % 8 === 0) values.push(varint())
    else if (key % 8 === 2) {
      const size = varint()
      if (at + size > bytes.length) throw unreadable()
      values.push(bytes.subarray(at, (at += size)))
    } else throw unreadable()
  }
  return fields
}

function unreadable(): StatusError {
  return new StatusError(
    'BadRequest',
    'the body is not what it should be in Protocol Buffers: send it as Content-Type: application/json',
  )
}
