import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type LanguageModel, languageModel, type NoAnswer } from '../../pipeline/capability/language-model.ts'
import { liveEffects } from '../../pipeline/net/effects.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'
import { redactor } from './redact.ts'

describeContract(factory, 'provider: openai\nmodel: m\napi_key: k')

interface Call {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
}
type Reply = (response: ServerResponse, call: number) => void

/** A server on the loopback that speaks as `reply` says. */
async function server(t: TestContext, reply: Reply): Promise<{ url: string; calls: Call[] }> {
  const calls: Call[] = []
  const listener = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    request.on('end', () => {
      calls.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(text) as Call['body'] })
      reply(response, calls.length)
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    listener.closeAllConnections()
    listener.close()
  })
  return { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`, calls }
}

const json = (response: ServerResponse, status: number, body: unknown, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

/** As the providers document their answers. */
const chat = (content: string | null, finish_reason = 'stop') => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason }],
  usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 },
})
const message = (text: string, stop_reason = 'end_turn') => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text }],
  stop_reason,
  stop_sequence: null,
  usage: { input_tokens: 20, output_tokens: 5 },
})

async function started(yaml: string) {
  const built = build(factory, yaml, { effects: liveEffects })
  await built.instance.start?.()
  const model = built.instance.provides?.get(languageModel) as LanguageModel
  return { ...built, model, sums: built.context.recorded.sums }
}
const asked = { instructions: 'Say it.', text: 'x', maxTokens: 50 }
const never = new AbortController().signal
const reason = (answer: Promise<string>) =>
  answer.then(
    () => 'answered',
    (error: NoAnswer) => error.reason,
  )

test('openai: key, model and text arrive, the answer comes back, tokens are counted', async (t) => {
  const { url, calls } = await server(t, (response) => json(response, 200, chat('hello')))
  const { model, sums } = await started(`{provider: openai, model: m, api_key: k-1, base_url: ${url}/v1}`)
  assert.equal(await model.answer(asked, never), 'hello')
  assert.deepEqual(
    calls.map(({ path, headers, body }) => [path, headers.authorization, body]),
    [
      [
        '/v1/chat/completions',
        'Bearer k-1',
        {
          model: 'm',
          messages: [
            { role: 'system', content: 'Say it.' },
            { role: 'user', content: 'x' },
          ],
          max_tokens: 50,
        },
      ],
    ],
  )
  assert.deepEqual(Object.fromEntries(sums), {
    'otelcol_extension_llm_tokens{direction="input"}': 20,
    'otelcol_extension_llm_tokens{direction="output"}': 5,
    'otelcol_extension_llm_calls{outcome="answered"}': 1,
  })
})

test('anthropic: the same', async (t) => {
  const { url, calls } = await server(t, (response) => json(response, 200, message('hello')))
  const { model } = await started(`{provider: anthropic, model: m, api_key: k-1, base_url: "${url}"}`)
  assert.equal(await model.answer(asked, never), 'hello')
  assert.deepEqual(
    calls.map(({ path, headers, body }) => [path, headers.authorization, body]),
    [
      [
        '/v1/messages',
        'Bearer k-1',
        { model: 'm', max_tokens: 50, system: 'Say it.', messages: [{ role: 'user', content: 'x' }] },
      ],
    ],
  )
})

const failures: readonly [string, string, Reply, string][] = [
  ['openai', 'silence', () => {}, 'timeout'],
  ['anthropic', 'silence', () => {}, 'timeout'],
  ['openai', '429', (response) => json(response, 429, { error: { message: 'slow down' } }), 'rate_limited'],
  ['anthropic', '429', (response) => json(response, 429, { type: 'error', error: { type: 'rate_limit_error', message: 'x' } }), 'rate_limited'], // biome-ignore format: one thing
  ['openai', '503', (response) => json(response, 503, {}), 'unavailable'],
  ['anthropic', '529', (response) => json(response, 529, { type: 'error', error: { type: 'overloaded_error', message: 'x' } }), 'unavailable'], // biome-ignore format: one thing
  ['openai', '401', (response) => json(response, 401, { error: { message: 'bad key' } }), 'unauthorized'],
  ['openai', 'an answer cut off by its length', (response) => json(response, 200, chat('{"a', 'length')), 'truncated'],
  ['anthropic', 'an answer cut off by its length', (response) => json(response, 200, message('{"a', 'max_tokens')), 'truncated'], // biome-ignore format: one thing
  ['openai', 'a filter', (response) => json(response, 200, chat('', 'content_filter')), 'refused'],
  ['anthropic', 'a refusal', (response) => json(response, 200, message('', 'refusal')), 'refused'],
  ['openai', 'no text', (response) => json(response, 200, chat(null)), 'bad_answer'],
  ['openai', 'another JSON', (response) => json(response, 200, { hello: 1 }), 'bad_answer'],
  ['anthropic', 'another JSON', (response) => json(response, 200, { hello: 1 }), 'bad_answer'],
  ['openai', 'a connection that breaks', (response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-length': 900 }).write('{"choices"', () => response.destroy()), 'unavailable'], // biome-ignore format: one thing
  ['openai', 'two megabytes', (response) => json(response, 200, chat('x'.repeat(2_000_000))), 'unavailable'],
  ['anthropic', 'a redirect', (response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(), 'unavailable'], // biome-ignore format: one thing
]
for (const [provider, name, reply, expected] of failures) {
  test(`${provider}: ${name} is ${expected}`, async (t) => {
    const { url } = await server(t, reply)
    const { model, sums } = await started(`{provider: ${provider}, model: m, api_key: k, base_url: "${url}", timeout: 300ms, max_retries: 0}`) // biome-ignore format: one thing
    assert.equal(await reason(model.answer(asked, never)), expected)
    assert.equal(sums.get(`otelcol_extension_llm_calls{outcome="${expected}"}`), 1)
  })
}

test('a call is tried again as often as is said; after a failure nobody is asked for a while', async (t) => {
  const { url, calls } = await server(t, (response, call) =>
    call === 2 ? json(response, 200, chat('hello')) : json(response, 503, {}, { 'retry-after-ms': '1' }),
  )
  const { model, context } = await started(
    `{provider: openai, model: m, base_url: "${url}", max_retries: 1, rest: 30s}`,
  )
  assert.equal(await model.answer(asked, never), 'hello')
  assert.equal(await reason(model.answer(asked, never)), 'unavailable')
  assert.equal(await reason(model.answer(asked, never)), 'resting')
  assert.equal(calls.length, 4)
  await context.clock.advance(30_000)
  assert.equal(await reason(model.answer(asked, never)), 'unavailable')
})

test('the budget holds within any hour and day, and over a reload', async (t) => {
  const { url, calls } = await server(t, (response) => json(response, 200, chat('hello')))
  const yaml = (budget: string) => `{provider: openai, model: m, base_url: "${url}", budget: ${budget}}`
  const { model, context, instance } = await started(yaml('{calls_per_hour: 2, calls_per_day: 3}'))
  const outcome = () => reason(model.answer(asked, never))
  assert.deepEqual([await outcome(), await outcome(), await outcome()], ['answered', 'answered', 'budget'])
  await context.clock.advance(3_600_001)
  assert.deepEqual([await outcome(), await outcome()], ['answered', 'budget'])
  const next = build(factory, yaml('{calls_per_day: 3}'), { effects: liveEffects })
  await next.instance.restore?.((await instance.save?.()) as Uint8Array)
  await next.instance.start?.()
  await next.context.clock.advance(3_600_002)
  const later = next.instance.provides?.get(languageModel) as LanguageModel
  assert.equal(await reason(later.answer(asked, never)), 'budget')
  assert.equal(calls.length, 3)
  const small = await started(yaml('{tokens_per_hour: 60}'))
  assert.deepEqual([await reason(small.model.answer(asked, never)), await reason(small.model.answer(asked, never))], ['answered', 'budget']) // biome-ignore format: one thing
})

test('nothing that nobody outside may read is on the wire', async (t) => {
  const { url, calls } = await server(t, (response) => json(response, 200, chat('hello')))
  const { model } = await started(`{provider: openai, model: m, base_url: "${url}", redact_ips: true, redact: ["ACME-[0-9]+"]}`) // biome-ignore format: one thing
  const secrets = ['hunter2', 'sk-proj-abcdefghijklmnop', 'AKIAABCDEFGHIJKLMNOP', 'bob@example.com', '10.1.2.3', 'eyJhbGciOi.eyJzdWIi.sig', '4711', 'Miller', 'ACME-77', 'p4ss', 'fe80::1:2', 'MIIEow'] // biome-ignore format: one thing
  const text = `password=hunter2 key sk-proj-abcdefghijklmnop AKIAABCDEFGHIJKLMNOP bob@example.com from 10.1.2.3 and fe80::1:2 eyJhbGciOi.eyJzdWIi.sig select a from b where id = 4711 and name = 'Miller' ACME-77 postgres://u:p4ss@db/x -----BEGIN RSA PRIVATE KEY-----\nMIIEow`
  await model.answer({ ...asked, text }, never)
  const sent = JSON.stringify(calls[0]?.body)
  for (const secret of secrets) assert.ok(!sent.includes(secret), secret)
  assert.match(redactor([], false)('from 10.1.2.3'), /10\.1\.2\.3/)
})

test('a replay asks nobody; a missing key and a bad expression are said before the start', async () => {
  const built = build(factory, '{provider: openai, model: m, api_key: k}')
  await built.instance.start?.()
  const model = built.instance.provides?.get(languageModel) as LanguageModel
  assert.equal(await reason(model.answer(asked, never)), 'no_effects')
  assert.throws(() => build(factory, '{provider: openai, model: m}'), /api_key is missing/)
  assert.throws(() => build(factory, '{provider: openai, model: m, api_key: k, redact: ["("]}'), /redact/)
})
