/** With the real binary, real files and SIGKILL: event time goes as fast as the data come, so an hour takes seconds. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { VigilProcess } from '../../pipeline/testing/vigil-process.ts'
import { logPane, metrics, panes, service, tick } from './features.fixture.ts'
import factory from './index.ts'

const config = (folder: string, output: string) => `
receivers: { otlp: { protocols: { http: { endpoint: 'localhost:0' } } } }
processors: { features: { storage: file_storage } }
exporters: { file: { path: '${folder}/${output}', flush_interval: 100ms } }
extensions: { file_storage: { directory: '${folder}/state', create_directory: true } }
service:
  extensions: [file_storage]
  telemetry: { metrics: { level: none }, logs: { encoding: json } }
  pipelines: { metrics: { receivers: [otlp], processors: [features], exporters: [file] } }
`

/** Everything that has state: panes, latencies, logs in parts, counters, readings, a restart in the middle, late ones. */
function batchesOf(pane: number): Metrics[] {
  const n = (pane * 7) % 13
  const all = [
    panes(pane, [
      { name: 'shop', requests: 100 + n, errors: n, seconds: Array.from({ length: 20 }, (_, i) => 0.01 * (i + n + 1)) },
      { name: 'POST /orders', kind: 'operation', requests: 10 + n },
    ]),
    logPane(pane, 'shop', 20 + n, 1),
    metrics((to) =>
      to
        .resource({ ...service('shop'), 'k8s.pod.name': 'p1', 'service.version': pane > 25 ? '2' : '1' })
        .sum('process.cpu.time', [{ value: pane * 2 + n, timeUnixNano: tick(pane) - 1_000_000_000n }], {
          monotonic: true,
        })
        .gauge('k8s.pod.memory_limit_utilization', [
          { value: 0.3 + pane / 1_000, timeUnixNano: tick(pane) - 1_000_000_000n },
        ]),
    ),
  ]
  if (pane % 5 === 0) all.push(panes(pane - 3, [{ name: 'shop', requests: 5 }]))
  return all
}

class Run {
  readonly vigil: VigilProcess
  private readonly file: string
  private url = ''

  constructor(folder: string, output: string) {
    this.file = join(folder, output)
    this.vigil = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config(folder, output) })
  }

  async feed(from: number, to: number): Promise<void> {
    if (this.url === '') {
      this.url = `http://localhost:${await this.vigil.port('HTTP')}/v1/metrics`
      await this.vigil.ready()
    }
    for (let pane = from; pane <= to; pane++) {
      for (const batch of batchesOf(pane)) {
        const answer = await fetch(this.url, {
          method: 'POST',
          headers: { 'content-type': 'application/x-protobuf' },
          body: new Uint8Array(Buffer.concat(batch.chunks)),
        })
        assert.equal(answer.status, 200, await answer.text())
      }
    }
  }

  async kill(): Promise<void> {
    const exited = once(this.vigil.child, 'exit')
    this.vigil.child.kill('SIGKILL')
    await exited
  }

  /** What was emitted last of each series and time, from this pane on. */
  features(from: number): Map<string, number> {
    const values = new Map<string, number>()
    if (!existsSync(this.file)) return values
    for (const line of readFileSync(this.file, 'utf8').split('\n')) {
      if (line === '') continue
      const { resourceMetrics } = JSON.parse(line) as Written
      for (const { resource, scopeMetrics } of resourceMetrics)
        for (const { metrics: list } of scopeMetrics)
          for (const { name, gauge } of list)
            for (const { attributes, timeUnixNano, asDouble } of gauge?.dataPoints ?? [])
              if (BigInt(timeUnixNano) >= tick(from) && name !== 'vigil.feature.revision')
                values.set(JSON.stringify([resource, name, attributes, timeUnixNano]), asDouble)
    }
    return values
  }
}

interface Written {
  resourceMetrics: {
    resource: unknown
    scopeMetrics: {
      metrics: {
        name: string
        gauge?: { dataPoints: { attributes?: unknown; timeUnixNano: string; asDouble: number }[] }
      }[]
    }[]
  }[]
}

test('kill -9 in the middle of a window, twice, changes no feature', { timeout: 60_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vigil-features-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const undisturbed = new Run(await mkdtemp(join(folder, 'whole-')), 'out.jsonl')
  const killedFolder = await mkdtemp(join(folder, 'killed-'))
  const first = new Run(killedFolder, 'first.jsonl')
  t.after(() => Promise.all([undisturbed, first].map(({ vigil }) => vigil.stop())))
  await Promise.all([undisturbed.feed(1, 75), first.feed(1, 23)])
  await first.kill()
  const second = new Run(killedFolder, 'second.jsonl')
  t.after(() => second.vigil.stop())
  await second.feed(24, 41)
  await second.kill()
  const third = new Run(killedFolder, 'third.jsonl')
  t.after(() => third.vigil.stop())
  await third.feed(42, 75)
  await Promise.all(
    [undisturbed.vigil, third.vigil].map(async (vigil) => {
      const exited = once(vigil.child, 'exit')
      vigil.child.kill('SIGTERM')
      await exited
    }),
  )
  const expected = undisturbed.features(42)
  assert.ok(expected.size > 500, String(expected.size))
  const seen = third.features(42)
  const different = [...new Set([...seen.keys(), ...expected.keys()])].filter(
    (key) => seen.get(key) !== expected.get(key),
  )
  assert.deepEqual(
    different.slice(0, 9).map((key) => [key, expected.get(key), seen.get(key)]),
    [],
  )
})

test('a storage that is not there stops the start and says what to add', async () => {
  const { instance } = build(factory, 'storage: file_storage')
  await assert.rejects(async () => instance.start?.(), /no storage extension "file_storage": add one like file_storage/)
})
