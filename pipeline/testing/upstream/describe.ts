import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Factory, held } from '../../component.ts'
import { writeJson } from '../../data/json/write-json.ts'
import { readOtlp } from '../../data/read-otlp.ts'
import type { Batch } from '../../data/telemetry.ts'
import { build } from '../build.ts'
import { inputOf, readCases, readRecorded } from './cases.ts'

/** Each case of `folder` must give what the real Collector gave. `record.ts` makes the recordings. */
export async function describeUpstream(factory: Factory, folder: string): Promise<void> {
  const cases = await readCases(folder)
  const recorded = await readRecorded(folder)
  suite(`${factory.kind} ${factory.type} as upstream`, () => {
    for (const one of cases) {
      test(one.name, async () => {
        const { instance, handle, context } = build(factory, one.config, { signals: [one.signal] })
        await instance.start?.()
        const metadata = new Map(Object.entries(one.headers).map(([name, value]) => [name, [value]]))
        const input = readOtlp(one.signal, Buffer.from(await inputOf(one, folder)), 'json', { metadata })
        const output: Batch[] = []
        const answer = await handle(input)
        if (answer !== undefined && answer !== held) output.push(answer)
        await instance.shutdown?.(AbortSignal.timeout(1_000))
        output.push(...context.recorded.emitted.map(({ batch }) => batch))
        const sent = output
          .filter(({ byteLength }) => byteLength > 0)
          .map((batch) => JSON.parse(writeJson(batch)) as unknown)
        assert.deepEqual(sent.map(normal), (recorded[one.name] ?? ['not recorded']).map(normal))
      })
    }
  })
}

/** The order of attributes means nothing. */
function normal(part: unknown): unknown {
  if (Array.isArray(part)) {
    const items = part.map(normal)
    return items.every(isAttribute) ? items.sort((a, b) => (a.key < b.key ? -1 : 1)) : items
  }
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, normal(value)]))
}

function isAttribute(item: unknown): item is { readonly key: string } {
  return typeof item === 'object' && item !== null && 'key' in item && typeof item.key === 'string'
}
