import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noOrigin } from '../data/batch.ts'
import { newLogs } from '../data/builders.ts'
import type { SamplerSettings } from './settings.ts'
import { newId, type OwnSpan, parseTraceparent } from './span.ts'
import { Tracer } from './tracer.ts'

const all: SamplerSettings = { root: 1, remoteSampled: 1, remoteNotSampled: 0, localSampled: 1, localNotSampled: 0 }
const batch = (origin = noOrigin) => newLogs(origin).record({}).build()
function tracing(sampler = all, joinsRemote = true) {
  const tracer = new Tracer()
  const spans: OwnSpan[] = []
  tracer.configure({ sinks: [{ add: (span) => void spans.push(span) }], sampler, joinsRemote })
  return { tracer, spans }
}

test('only a whole and valid traceparent is a parent', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const span = 'b7ad6b7169203331'
  const cases: [header: string, isSampled: boolean | undefined][] = [
    [`00-${trace}-${span}-01`, true],
    [` 00-${trace}-${span}-00 `, false],
    [`00-${trace}-${span}-03`, true],
    [`01-${trace}-${span}-01-more`, true],
    [`00-${trace}-${span}-01-more`, undefined],
    [`ff-${trace}-${span}-01`, undefined],
    [`00-${'0'.repeat(32)}-${span}-01`, undefined],
    [`00-${trace}-${'0'.repeat(16)}-01`, undefined],
    [`00-${trace.toUpperCase()}-${span}-01`, undefined],
    [`00-${trace}-${span}`, undefined],
    ['', undefined],
  ]
  for (const [header, isSampled] of cases) assert.equal(parseTraceparent(header)?.isSampled, isSampled, header)
})

test('ids are random hexadecimal digits of the right length', () => {
  const ids = Array.from({ length: 2_000 }, () => newId(16))
  assert.equal(new Set(ids).size, 2_000)
  assert.ok(ids.every((id) => /^[0-9a-f]{32}$/.test(id)))
  assert.match(newId(8), /^[0-9a-f]{16}$/)
})

test('a ratio samples that share of the traces, by their id, and a whole trace or nothing of it', () => {
  const { tracer, spans } = tracing({ ...all, root: 0.25 })
  for (let i = 0; i < 4_000; i++) {
    const one = batch()
    const received = tracer.received('r', one, {})
    const work = tracer.work('w', one, [], {})
    assert.equal(received.isSampled, work.isSampled)
    tracer.end(work, {})
    tracer.end(received, {})
  }
  assert.ok(spans.length > 1_600 && spans.length < 2_400, String(spans.length))
})

test('the parent decides: local, remote, sampled or not', () => {
  const header = (flags: string) => `00-${newId(16)}-${newId(8)}-${flags}`
  const sampled = (sampler: SamplerSettings, flags: string, joinsRemote = true) => {
    const { tracer } = tracing(sampler, joinsRemote)
    return tracer.received('r', batch({ ...noOrigin, traceparent: header(flags) }), {}).isSampled
  }
  assert.deepEqual([sampled(all, '01'), sampled(all, '00')], [true, false])
  assert.deepEqual([sampled({ ...all, remoteSampled: 0 }, '01'), sampled({ ...all, remoteNotSampled: 1 }, '00')], [false, true]) // biome-ignore format: a table
  // Without the propagator the header says nothing.
  assert.equal(sampled(all, '00', false), true)
})

test('what is made of a batch has its span as parent; merged work links to all, at most 128', () => {
  const { tracer } = tracing()
  const [one, edited] = [batch(), batch()]
  const span = tracer.received('r', one, {})
  tracer.follow(one, edited)
  assert.equal(tracer.work('w', edited, [], {}).parent, span)
  assert.equal(tracer.work('w', batch(), [edited, one], {}).parent, span)
  const parts = Array.from({ length: 200 }, () => {
    const part = batch()
    tracer.received('r', part, {})
    return part
  })
  const merged = tracer.work('w', batch(), parts, {})
  assert.deepEqual([merged.parent, merged.links.length], [undefined, 128])
})

test('it is off unless somebody wants spans', () => {
  const tracer = new Tracer()
  const seen = [tracer.isOn]
  const stop = tracer.watch()
  seen.push(tracer.isOn)
  const span = tracer.received('r', batch(), {})
  tracer.event(batch(), 'nobody', {})
  tracer.end(span, {})
  assert.deepEqual(tracer.ring.summaries().map(({ name, runningCount }) => [name, runningCount]), [['r', 0]]) // biome-ignore format: a table
  stop()
  stop()
  assert.deepEqual([...seen, tracer.isOn], [false, true, false])
})
