import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { type LanguageModel, languageModel, NoAnswer } from '../../pipeline/capability/language-model.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { type Diagnosis, readDiagnosis, writeDiagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import { diagnosis } from './diagnosis.fixture.ts'
import factory from './index.ts'

describeContract(factory, '')

const records = (...all: readonly Diagnosis[]) =>
  eventLogs(undefined, (builder) => {
    for (const one of all) writeDiagnosis(builder, one)
  })
const having = (model: LanguageModel) => ({
  capabilities: new Map([[languageModel as Capability<unknown>, model as unknown]]),
})
async function narrated(yaml: string, model?: LanguageModel, one = diagnosis()) {
  const built = build(factory, yaml, model === undefined ? {} : having(model))
  await built.instance.start?.()
  const [record] = (await built.handle(records(one))) as Logs
  assert.ok(record)
  await built.instance.shutdown?.(AbortSignal.timeout(1_000))
  return { narrative: readDiagnosis(record)?.narrative, sums: built.context.recorded.sums }
}

const englishByRules = `Confirmed cause: query db.internal/paydb SELECT payments, query, since 08:00:00; felt through payment, order.
Evidence: reads 1,204,311 rows a call, before 3: it scans what an index would find; own time P90 1.5 s, before 12 ms; the line "connection pool exhausted for customer 4711" 5.2 times longer than before; errors of its own in 12 % of its traces, before 0.2 %.
Ruled out: deploy of order 2.15.0, 8 s before the onset: nothing of its own changed (own time P90 9 ms, before 9 ms; processor, memory and disk as before): it waits for what it calls.
Affected: 95 % of the requests of order POST /orders need it.
Recommended to a person: Look at the plan of query db.internal/paydb SELECT payments: does it still use its index?
Not looked at: no flight recorder.`

test('without a model rules tell all of it', async () => {
  const { narrative, sums } = await narrated('')
  assert.deepEqual(narrative, { text: englishByRules, language: 'en', by: 'rules', reason: 'no_model' })
  assert.deepEqual([...sums], [['otelcol_processor_narrate_texts{by="rules",reason="no_model"}', 1]])
})

const german = {
  cause1: '[e1] ([q2]), seit [n3]; spürbar über [e4], [e5].',
  evidence1: 'Es liest [n1] Zeilen je Aufruf, vorher [n2]: es durchsucht, was ein Index finden würde.',
  evidence2: 'Die eigene Zeit [q1] ist [n2], vorher [n3].',
  evidence3: 'Die Zeile [q1]: [n2] mal länger als vorher.',
  evidence4: 'Eigene Fehler in [n1] der Traces, vorher [n2].',
  ruled_out1:
    'Der Deploy von [e1] [n2], [n3] vor dem Beginn: nichts Eigenes ist geändert (eigene Zeit [q4] [n5], vorher [n6]; Prozessor, Speicher und Platte wie vorher): es wartet auf die Aufrufe.',
  affected1: '[n1] der Anfragen von [e2] brauchen es.',
}
const germanText = `Bestätigte Ursache: query db.internal/paydb SELECT payments (Abfrage), seit 09:00:00; spürbar über payment, order.
Belege: Es liest 1,204,311 Zeilen je Aufruf, vorher 3: es durchsucht, was ein Index finden würde; Die eigene Zeit P90 ist 1.5 s, vorher 12 ms; Die Zeile "connection pool exhausted for customer 4711": 5.2 mal länger als vorher; Eigene Fehler in 12 % der Traces, vorher 0.2 %.
Ausgeschlossen: Der Deploy von order 2.15.0, 8 s vor dem Beginn: nichts Eigenes ist geändert (eigene Zeit P90 9 ms, vorher 9 ms; Prozessor, Speicher und Platte wie vorher): es wartet auf die Aufrufe.
Betroffen: 95 % der Anfragen von order POST /orders brauchen es.
Empfehlung an einen Menschen: Look at the plan of query db.internal/paydb SELECT payments: does it still use its index?
Nicht untersucht: no flight recorder.`

test('a model puts it into sentences of the language, without a word of telemetry; names, numbers and quotes are filled in', async () => {
  let asked: readonly { id: string; statement: string; words: unknown[] }[] = []
  const model: LanguageModel = {
    answer: async ({ text }) => {
      asked = JSON.parse(text)
      return `\`\`\`json\n${JSON.stringify(german)}\n\`\`\``
    },
  }
  const { narrative, sums } = await narrated('{llm: llm, language: de, time_zone: Europe/Berlin}', model)
  assert.deepEqual(narrative, { text: germanText, language: 'de', by: 'model' })
  assert.deepEqual([...sums], [['otelcol_processor_narrate_texts{by="model"}', 1]])
  assert.deepEqual(
    asked.map(({ id, statement }) => [id, statement]),
    [
      ['cause1', '[e1], [q2], since [n3]; felt through [e4], [e5]'],
      ['evidence1', 'reads [n1] rows a call, before [n2]: it scans what an index would find'],
      ['evidence2', 'own time [q1] [n2], before [n3]'],
      ['evidence3', 'the line [q1] [n2] times longer than before'],
      ['evidence4', 'errors of its own in [n1] of its traces, before [n2]'],
      ['ruled_out1', 'deploy of [e1] [n2], [n3] before the onset: nothing of its own changed (own time [q4] [n5], before [n6]; processor, memory and disk as before): it waits for what it calls'], // biome-ignore format: one thing
      ['affected1', '[n1] of the requests of [e2] need it'],
    ],
  )
})

test('a model that fails, hangs or says something else leaves the text by rules, with the reason, and in time', async () => {
  const cases: readonly [string, LanguageModel['answer']][] = [
    ['budget', () => Promise.reject(new NoAnswer('budget', 'spent'))],
    ['failed', () => Promise.reject(new Error('a bug'))],
    ['timeout', () => new Promise(() => {})],
    ['refused_no_json', async () => 'The cause is redis.'],
    [
      'refused_word',
      async () => JSON.stringify({ ...german, affected1: '[n1] der Anfragen von [e2] brauchen redis.' }),
    ],
  ]
  for (const [reason, answer] of cases) {
    const { narrative, sums } = await narrated('{llm: llm, language: de, timeout: 50ms}', { answer })
    assert.deepEqual([narrative?.by, narrative?.reason], ['rules', reason])
    assert.deepEqual([...sums.keys()], [`otelcol_processor_narrate_texts{by="rules",reason="${reason}"}`])
  }
})

test('what is no diagnosis goes on while the diagnosis beside it still waits', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const built = build(factory, 'llm: llm', having({ answer: () => promise }))
  await built.instance.start?.()
  const page = newLogs().record({ eventName: 'vigil.incident', body: 'payment is slow' }).build()
  assert.equal(await built.handle(page), page)
  const mixed = eventLogs(undefined, (builder) => {
    builder.record({ eventName: 'vigil.incident', body: 'payment is slow' })
    writeDiagnosis(builder, diagnosis())
  })
  const waiting = built.handle(mixed)
  await new Promise((turn) => setImmediate(turn))
  const [first] = built.context.recorded.emitted
  assert.deepEqual(
    [...((first?.batch as Logs | undefined) ?? [])].map(({ eventName }) => eventName),
    ['vigil.incident'],
  )
  resolve('{}')
  const told = (await waiting) as Logs
  assert.deepEqual(
    [...told].map(({ eventName }) => eventName),
    ['vigil.diagnosis'],
  )
})

test('one more than may wait is told by rules at once, and a shutdown ends all waiting', async () => {
  const built = build(factory, '{llm: llm, max_waiting: 1}', having({ answer: () => new Promise(() => {}) }))
  await built.instance.start?.()
  const reasonOf = (logs: Logs) => [...logs].map((record) => readDiagnosis(record)?.narrative?.reason)
  const first = built.handle(records(diagnosis()))
  assert.deepEqual(reasonOf((await built.handle(records(diagnosis()))) as Logs), ['busy'])
  await built.instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(reasonOf((await first) as Logs), ['stopped'])
})

test('a diagnosis without a cause says so, and a record that is no diagnosis but says it is goes on unchanged', async () => {
  const { narrative } = await narrated('', undefined, diagnosis({ verdict: 'inconclusive', causes: [], ruled_out: [], affected: [] })) // biome-ignore format: one thing
  assert.match(narrative?.text ?? '', /^No cause was found: nothing that was looked at stands out\.\nRecommended/)
  const built = build(factory, '')
  const strange = newLogs()
    .record({ eventName: 'vigil.diagnosis', body: 'x', attributes: { a: 'b' } })
    .build()
  const [record] = (await built.handle(strange)) as Logs
  assert.deepEqual([...(record?.attributes.entries() ?? [])], [['a', 'b']])
})

test('a model that is not there stops the start and says what to add', async () => {
  await assert.rejects(async () => build(factory, 'llm: llm/local').instance.start?.(), /add llm\/local to extensions/)
})
