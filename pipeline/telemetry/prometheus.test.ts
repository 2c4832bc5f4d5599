import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registerLoopDelay } from './loop-delay.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import { servePrometheus } from './prometheus.ts'
import { Registry } from './registry.ts'

const host = '127.0.0.1'

test('/metrics serves the text with the content type of promhttp, anything else is 404', async () => {
  const registry = new Registry()
  registry.meter({}).counter('c').add(1)
  const server = await servePrometheus(registry, { host, port: 0 })
  try {
    const metrics = await fetch(`http://${host}:${server.port}/metrics?x=1`)
    assert.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores')
    assert.equal(await metrics.text(), registry.prometheusText())
    const other = await fetch(`http://${host}:${server.port}/`)
    assert.deepEqual([other.status, await other.text()], [404, '404 page not found\n'])
  } finally {
    await server.close()
  }
})

test('a port in use says which one and where to choose another', async () => {
  const registry = new Registry()
  const server = await servePrometheus(registry, { host, port: 0 })
  try {
    const { port } = server
    await assert.rejects(servePrometheus(registry, { host, port }), (error: Error) => {
      const start = `binding address ${host}:${port} for Prometheus exporter: listen tcp ${host}:${port}: bind: address already in use`
      return error.message.startsWith(start) && error.message.includes('service::telemetry::metrics::readers')
    })
  } finally {
    await server.close()
  }
})

test('a scrape that fails is answered with 500 and the next one works', async () => {
  let fails = true
  const registry = {
    prometheusText: () => {
      if (fails) throw new Error('broken')
      return 'ok 1\n'
    },
  }
  const server = await servePrometheus(registry, { host, port: 0 })
  try {
    const url = `http://${host}:${server.port}/metrics`
    assert.equal((await fetch(url)).status, 500)
    fails = false
    assert.equal(await (await fetch(url)).text(), 'ok 1\n')
  } finally {
    await server.close()
  }
})

test('the process and the event loop are measured', () => {
  const registry = new Registry()
  const meter = registry.meter({})
  registerProcessMetrics(meter)
  const stop = registerLoopDelay(meter)
  const values = new Map(registry.snapshot().map(({ name, series }) => [name, series[0]?.value ?? -1]))
  stop()
  assert.deepEqual(
    [...values.keys()],
    [
      'otelcol_process_cpu_seconds',
      'otelcol_process_memory_rss',
      'otelcol_process_runtime_heap_alloc_bytes',
      'otelcol_process_runtime_total_sys_memory_bytes',
      'otelcol_process_uptime',
      'vigil_event_loop_delay_seconds',
    ],
  )
  const rss = values.get('otelcol_process_memory_rss')!
  assert.ok(rss > 10e6 && rss < 4e9, `rss ${rss}`)
  for (const [name, value] of values) assert.ok(value >= 0, `${name} ${value}`)
})
