/** `perftools.profiles.Profile` (github.com/google/pprof, proto/profile.proto), gzipped: what `go tool pprof` and most profile stores read. */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import protobuf from 'protobufjs/minimal.js'
import type { CallNode, CallTree, Frame } from './call-tree.ts'

interface ValueType {
  readonly type: string
  readonly unit: string
}
export interface ProfileShape {
  /** What `value` of a node is; the number of samples comes before it. */
  readonly value: ValueType
  readonly period: number
  readonly startUnixNano: bigint
  readonly durationNano: bigint
}

const lengthDelimited = 2
const varint = 0
/** Field numbers of profile.proto. */
const profileField = {
  sampleType: 1,
  sample: 2,
  mapping: 3,
  location: 4,
  function: 5,
  stringTable: 6,
  timeNanos: 9,
  durationNanos: 10,
  periodType: 11,
  period: 12,
  defaultSampleType: 14,
} as const

export function writePprof(tree: CallTree, shape: ProfileShape): Uint8Array {
  const profile = new PprofWriter()
  const { value } = shape
  profile.message(profileField.sampleType, profile.valueType({ type: 'samples', unit: 'count' }))
  profile.message(profileField.sampleType, profile.valueType(value))
  for (const node of tree.used()) profile.sample(node)
  profile.message(profileField.mapping, numbers([[1, 1]]))
  profile.out.uint32(tag(profileField.timeNanos, varint)).int64(long(shape.startUnixNano))
  profile.out.uint32(tag(profileField.durationNanos, varint)).int64(long(shape.durationNano))
  profile.message(profileField.periodType, profile.valueType(value))
  profile.out.uint32(tag(profileField.period, varint)).int64(shape.period)
  profile.out.uint32(tag(profileField.defaultSampleType, varint)).int64(profile.text(value.type))
  return gzipSync(profile.finish())
}

class PprofWriter {
  readonly out = protobuf.Writer.create()
  readonly #texts = new Map<string, number>([['', 0]])
  readonly #locations = new Map<string, number>()

  /** The string's place in the table. */
  text(text: string): number {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    this.#texts.set(text, this.#texts.size)
    return this.#texts.size - 1
  }

  message(field: number, body: Uint8Array): void {
    this.out.uint32(tag(field, lengthDelimited)).bytes(body)
  }

  valueType({ type, unit }: ValueType): Uint8Array {
    return numbers([
      [1, this.text(type)],
      [2, this.text(unit)],
    ])
  }

  sample(leaf: CallNode): void {
    const sample = protobuf.Writer.create()
    sample.uint32(tag(1, lengthDelimited)).fork()
    // Leaf first. The root stands for no function, unless it is all there is.
    for (let node: CallNode | undefined = leaf; node !== undefined; node = node.parent) {
      if (node.parent !== undefined || node === leaf) sample.uint32(this.#location(node.frame))
    }
    sample.ldelim()
    sample.uint32(tag(2, lengthDelimited)).fork().int64(leaf.samples).int64(Math.round(leaf.value)).ldelim()
    this.message(profileField.sample, sample.finish())
  }

  finish(): Uint8Array {
    for (const text of this.#texts.keys()) this.out.uint32(tag(profileField.stringTable, lengthDelimited)).string(text)
    return this.out.finish()
  }

  /** A location and its function have one number: V8 tells the line of a function, not of each call in it. */
  #location(frame: Frame): number {
    const { functionName, url, lineNumber, columnNumber } = frame
    const key = `${functionName}\n${url}\n${lineNumber}:${columnNumber}`
    const known = this.#locations.get(key)
    if (known !== undefined) return known
    const id = this.#locations.size + 1
    this.#locations.set(key, id)
    const line = Math.max(0, lineNumber + 1)
    const name = this.text(
      functionName === '' ? `(anonymous) ${fileName(url).split('/').at(-1)}:${line}` : functionName,
    )
    this.message(
      profileField.function,
      numbers([
        [1, id],
        [2, name],
        [3, name],
        [4, this.text(fileName(url))],
        [5, line],
      ]),
    )
    const place = protobuf.Writer.create().uint32(tag(1, varint)).uint32(id).uint32(tag(2, varint)).uint32(1)
    place.uint32(tag(4, lengthDelimited)).bytes(
      numbers([
        [1, id],
        [2, line],
      ]),
    )
    this.message(profileField.location, place.finish())
    return id
  }
}

/** A message of positive integers only. */
function numbers(fields: readonly (readonly [field: number, value: number])[]): Uint8Array {
  const writer = protobuf.Writer.create()
  for (const [field, value] of fields) if (value !== 0) writer.uint32(tag(field, varint)).uint32(value)
  return writer.finish()
}

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType
}

function long(value: bigint): protobuf.Long {
  return protobuf.util.LongBits.from({
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: false,
  } as protobuf.Long).toLong() as protobuf.Long
}

function fileName(url: string): string {
  return url.startsWith('file://') ? fileURLToPath(url) : url
}
