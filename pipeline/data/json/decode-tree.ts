/** Wire bytes as a tree of messages, by the table. For what prints telemetry for people: it makes an object for everything. */
import { Rejected } from '../../component.ts'
import type { Signal } from '../telemetry.ts'
import { type Field, kind, type Message, requests, wireType, wireTypeOf } from './schema.ts'

type Scalar = string | number | bigint | boolean | Uint8Array

const maxDepth = 250
const none = new Uint8Array(0)
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** One message; what the wire does not have reads as protobuf's default. */
export class Tree {
  readonly message: Message
  private readonly values = new Map<string, unknown>()
  /** The member of the oneof that is set. */
  member: string | undefined

  constructor(message: Message) {
    this.message = message
  }

  has(name: string): boolean {
    return this.values.has(name)
  }
  text(name: string): string {
    return (this.values.get(name) as string | undefined) ?? ''
  }
  number(name: string): number {
    return (this.values.get(name) as number | undefined) ?? 0
  }
  big(name: string): bigint {
    return (this.values.get(name) as bigint | undefined) ?? 0n
  }
  bool(name: string): boolean {
    return (this.values.get(name) as boolean | undefined) ?? false
  }
  bytes(name: string): Uint8Array {
    return (this.values.get(name) as Uint8Array | undefined) ?? none
  }
  tree(name: string): Tree {
    const found = this.values.get(name) as Tree | undefined
    if (found) return found
    const field = this.message.fields.find((each) => each.name === name)
    return new Tree(field?.message ?? this.message)
  }
  trees(name: string): readonly Tree[] {
    return (this.values.get(name) as readonly Tree[] | undefined) ?? []
  }
  texts(name: string): readonly string[] {
    return (this.values.get(name) as readonly string[] | undefined) ?? []
  }
  numbers(name: string): readonly number[] {
    return (this.values.get(name) as readonly number[] | undefined) ?? []
  }
  bigs(name: string): readonly bigint[] {
    return (this.values.get(name) as readonly bigint[] | undefined) ?? []
  }

  set(field: Field, value: Scalar | Tree): void {
    if (field.oneof) {
      if (this.member !== undefined && this.member !== field.name) this.values.delete(this.member)
      this.member = field.name
    }
    if (!field.repeated) {
      this.values.set(field.name, value)
      return
    }
    const list = this.values.get(field.name) as unknown[] | undefined
    if (list) list.push(value)
    else this.values.set(field.name, [value])
  }
}

/** The request in `bytes`, which must be valid. Several chunks of one batch: decode each. */
export function decodeTree(signal: Signal, bytes: Uint8Array): Tree {
  return decodeMessage(requests[signal], bytes)
}

export function decodeMessage(message: Message, bytes: Uint8Array): Tree {
  const tree = new Tree(message)
  new Decoder(bytes).into(tree, bytes.length, 0)
  return tree
}

class Decoder {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private pos = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  into(tree: Tree, end: number, depth: number): void {
    if (depth > maxDepth) throw broken(`nests deeper than ${maxDepth} levels`)
    while (this.pos < end) {
      const tag = Number(this.varint())
      const field = tree.message.byNumber[tag >>> 3]
      const wire = tag & 7
      const own = field && wireTypeOf(field.kind)
      if (field === undefined || (wire !== own && !(field.repeated && wire === wireType.length))) this.skip(wire)
      else if (wire === own && own !== wireType.length) tree.set(field, this.scalar(field.kind))
      else this.delimited(tree, field, own !== wireType.length, depth)
      if (this.pos > end) throw broken('is cut off')
    }
  }

  private delimited(tree: Tree, field: Field, isPacked: boolean, depth: number): void {
    const length = Number(this.varint())
    const end = this.pos + length
    if (end > this.bytes.length) throw broken('is cut off')
    if (isPacked) while (this.pos < end) tree.set(field, this.scalar(field.kind))
    else if (field.message) {
      // A message that stands twice is the sum of both, but for a oneof, where the last one counts.
      const isMore = !field.repeated && !field.oneof && tree.has(field.name)
      const inner = isMore ? tree.tree(field.name) : new Tree(field.message)
      this.into(inner, end, depth + 1)
      tree.set(field, inner)
    } else {
      const value = this.bytes.subarray(this.pos, end)
      tree.set(field, field.kind === kind.string ? utf8.decode(value) : value)
    }
    this.pos = end
  }

  private scalar(of: Field['kind']): Scalar {
    const { view, pos } = this
    switch (of) {
      case kind.double:
        this.pos += 8
        return view.getFloat64(pos, true)
      case kind.fixed64:
        this.pos += 8
        return view.getBigUint64(pos, true)
      case kind.sfixed64:
        this.pos += 8
        return view.getBigInt64(pos, true)
      case kind.fixed32:
        this.pos += 4
        return view.getUint32(pos, true)
    }
    const value = this.varint()
    switch (of) {
      case kind.uint64:
        return value
      case kind.int64:
        return BigInt.asIntN(64, value)
      case kind.bool:
        return value !== 0n
      case kind.uint32:
        return Number(BigInt.asUintN(32, value))
      case kind.sint32: {
        const zigzag = Number(BigInt.asUintN(32, value))
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
      default:
        return Number(BigInt.asIntN(32, value))
    }
  }

  private varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.pos++]
      if (byte === undefined) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw broken('has a varint that does not end')
  }

  private skip(wire: number): void {
    if (wire === wireType.varint) this.varint()
    else if (wire === wireType.fixed64) this.pos += 8
    else if (wire === wireType.fixed32) this.pos += 4
    else if (wire === wireType.length) {
      const length = Number(this.varint())
      this.pos += length
    } else throw broken(`has wire type ${wire}`)
  }
}

function broken(how: string): Rejected {
  return new Rejected(`reading OTLP: the protobuf ${how}`, { retryable: false, grpcCode: 3 })
}
