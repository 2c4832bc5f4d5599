/** The real binary, killed with a page on its way. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { VigilProcess } from '../../pipeline/testing/vigil-process.ts'
import { incident, notices } from './events.fixture.ts'
import { answers, type Service, service, slack } from './services.fixture.ts'

const folder = testFolder('notify-kill')

const config = (chat: Service, pager: Service) => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
exporters:
  notify:
    storage: file_storage
    channels:
      chat: { slack: { token: xoxb, channel: c, api_url: "${chat.url}" } }
      pager: { pagerduty: { routing_key: key, url: "${pager.url}" }, retry_on_failure: { initial_interval: 100ms } }
extensions: { file_storage: { directory: ${folder} } }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  extensions: [file_storage]
  pipelines: { logs: { receivers: [otlp], exporters: [notify] } }
`

async function send(port: number, batch: Logs): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf' }
  const body = Buffer.concat(batch.chunks)
  const { status } = await fetch(`http://127.0.0.1:${port}/v1/logs`, { method: 'POST', headers, body })
  assert.equal(status, 200)
}

function isOnDisk(text: string): boolean {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  return files.some(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(text))
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(condition(), String(condition))
}

test('a page that was acknowledged survives kill -9; what was told is not told again, and goes on in its thread', async () => {
  const chat = await slack()
  const pager = await service(() => answers.pagerduty['accepted']!)
  pager.usual = () => 'hang'
  const first = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config(chat, pager) })
  try {
    await send(await first.port('HTTP'), notices(incident(0)))
    await until(() => chat.asked.length === 1 && pager.asked.length === 1)
    // What was told is written a moment after the answer.
    await until(() => isOnDisk('1503435951.000247'))
  } finally {
    await first.stop('SIGKILL')
  }
  pager.usual = () => answers.pagerduty['accepted']!
  const second = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config(chat, pager) })
  try {
    const port = await second.port('HTTP')
    await until(() => pager.asked.length === 2)
    assert.deepEqual(pager.asked[1]?.body, { ...pager.asked[1]?.body, dedup_key: 'inc-1', event_action: 'trigger' })
    await send(port, notices(incident(0)))
    await send(port, notices(incident(1, { state: 'resolved', reason: 'quiet' })))
    await until(() => chat.asked.length === 3 && pager.asked.length === 3)
    assert.deepEqual(
      chat.asked.slice(1).map(({ path, body }) => [path, body.thread_ts ?? body.ts]),
      ['/chat.update', '/chat.postMessage'].map((path) => [path, '1503435951.000247']),
    )
    assert.equal(pager.asked[2]?.body.event_action, 'resolve')
  } finally {
    await second.stop()
  }
})
