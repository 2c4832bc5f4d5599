/** Small real batches for the tests of this folder and of what uses it. */
import protobuf from 'protobufjs/minimal.js'
import { concat, fromChunks, noOrigin } from '../data/batch.ts'
import type { Logs, Origin } from '../data/telemetry.ts'

/** A batch of one chunk, whose records' bodies are `name 0`, `name 1`, ..., each followed by `padBytes` of text. */
export function logs(name: string, count = 1, options: { padBytes?: number; origin?: Origin } = {}): Logs {
  const pad = 'x'.repeat(options.padBytes ?? 0)
  const writer = protobuf.Writer.create()
  writer.uint32(10).fork().uint32(18).fork() // resource_logs, scope_logs
  for (let i = 0; i < count; i++) {
    writer.uint32(18).fork().uint32(42).fork().uint32(10).string(`${name} ${i}${pad}`).ldelim().ldelim() // log_records, body
  }
  writer.ldelim().ldelim()
  return fromChunks('logs', [new Uint8Array(writer.finish())], [count], options.origin ?? noOrigin)
}

/** Many chunks, too large for one flow-control window, too varied to compress away. */
export function manyChunks(): Logs {
  return concat(
    'logs',
    Array.from({ length: 60 }, (_, i) => logs(`chunk ${i}`, 20 + i, { padBytes: 100 + i })),
  )
}

/** The bodies of a batch, or of the body of a request, in order; padding is cut off. */
export function bodiesOf(batch: Iterable<{ readonly body: unknown }>): string[] {
  return Array.from(batch, ({ body }) => String(body).replace(/x+$/, ''))
}

export function originWith(metadata: Record<string, readonly string[]>): Origin {
  return { metadata: new Map(Object.entries(metadata)) }
}
