import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Factory, held, Rejected } from '../../component.ts'
import { writeJson } from '../../data/json/write-json.ts'
import { readOtlp } from '../../data/read-otlp.ts'
import type { Batch } from '../../data/telemetry.ts'
import { build } from '../build.ts'
import type { TestContextOptions } from '../context.ts'
import { type Outcome, outcomeOf, readCases, requestsOf, targetsOf, type UpstreamCase } from './cases.ts'
import { normalOutcome } from './normal.ts'
import { readRecorded } from './recording.ts'

/** Each case of `folder` must give what the real Collector gave. `record.ts` makes the recordings. */
export async function describeUpstream(factory: Factory, folder: string): Promise<void> {
  const cases = await readCases(folder)
  const recorded = await readRecorded(folder)
  suite(`${factory.kind} ${factory.type} as upstream`, () => {
    for (const one of cases) {
      test(one.name, async () => {
        const given = await replay(factory, one, folder)
        assert.deepEqual(normalOutcome(given, one), normalOutcome(recorded[one.name] ?? ['not recorded'], one))
      })
    }
  })
}

async function replay(factory: Factory, one: UpstreamCase, folder: string): Promise<Outcome> {
  const { instance, handle, context } = build(factory, one.config, optionsOf(one))
  const byTarget = new Map(targetsOf(one).map((target): [string, unknown[]] => [target, []]))
  const refused: number[] = []
  const send = (target: string, batch: Batch) => {
    if (batch.byteLength > 0) byTarget.get(target)?.push(JSON.parse(writeJson(batch)))
  }
  const sendEmitted = () => {
    for (const { signal, route, batch } of context.recorded.emitted.splice(0)) send(route ?? signal, batch)
  }
  await instance.start?.()
  for (const { body, headers, waitMs } of await requestsOf(one, folder)) {
    const metadata = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]))
    try {
      const answer = await handle(readOtlp(one.signal, Buffer.from(body), 'json', { metadata }))
      if (answer !== undefined && answer !== held) send(one.signal, answer)
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      refused.push(error.retryable ? 503 : 500)
    }
    sendEmitted()
    await context.clock.advance(waitMs)
    sendEmitted()
  }
  if (one.until !== undefined) await context.clock.advance(one.until)
  else await instance.shutdown?.(AbortSignal.timeout(1_000))
  sendEmitted()
  if (one.until !== undefined) await instance.shutdown?.(AbortSignal.timeout(1_000))
  return outcomeOf(one, byTarget, refused)
}

function optionsOf({ signal, outputs, routes }: UpstreamCase): TestContextOptions {
  const options: TestContextOptions = { signals: [signal] }
  if (outputs !== undefined) options.outputs = outputs
  if (routes !== undefined) {
    options.routes = routes
    options.outputs = routes.map((route) => route.split('/', 1)[0] as 'traces')
  }
  return options
}
