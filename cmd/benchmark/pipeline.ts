/**
 * The real binary as a process of its own: telemetry goes in by OTLP, and what its pipelines emit comes back by OTLP. Nothing waits in a queue there, so that
 * what is answered has come back: the world stands still meanwhile, whatever its speed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { tellTime } from '../../pipeline/engine/told-clock.ts'
import { freePort } from '../../pipeline/testing/free-ports.ts'
import { answers, localClient } from '../generate/local-client.ts'
import { adaptConfig, inputVariable, outputVariable } from './adapt-config.ts'

/** Passes everything through: what is measured then sits behind the pipeline. */
const passThrough = `receivers:
  otlp:
    protocols:
      http: { endpoint: '\${env:${inputVariable}}' }
exporters:
  otlp_http:
    endpoint: '\${env:${outputVariable}}'
    compression: none
    sending_queue: { enabled: false }
    retry_on_failure: { enabled: false }
service:
  telemetry:
    logs: { level: warn }
    metrics: { level: none }
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_http] }
    metrics: { receivers: [otlp], exporters: [otlp_http] }
    logs: { receivers: [otlp], exporters: [otlp_http] }
`

const signals = ['traces', 'metrics', 'logs'] as const
type PlayedSignal = (typeof signals)[number]
export type Counts = Readonly<Record<PlayedSignal, number>>

const readyTimeoutMs = 60_000
const pollMs = 20
const stopTimeoutMs = 15_000
const clientOptions = { timeoutMs: 120_000, userAgent: 'vigil-benchmark' }
const startAttempts = 3
const maxLogLength = 64 * 1024
/** Well below what a receiver takes in one request. */
const maxRequestBytes = 4 << 20

export interface Pipeline {
  readonly sent: Counts
  readonly received: Counts
  /** The binary's clock says that it is so late now, in ms since 1970; resolves when it has done what fell due. */
  tell(unixMs: number): Promise<void>
  /** Waits until all of it has gone through. Throws when the binary does not take it. */
  pass(batches: readonly Batch[]): Promise<void>
  /** What comes back goes there from now on. */
  onBatch(take: (batch: Batch) => void): void
  close(): Promise<void>
}

/** `config` is a file; the built-in pass-through if absent. */
export async function startPipeline(config?: string): Promise<Pipeline> {
  const folder = await mkdtemp(join(tmpdir(), 'vigil-benchmark-'))
  const sent = { traces: 0, metrics: 0, logs: 0 }
  const received = { traces: 0, metrics: 0, logs: 0 }
  let take: (batch: Batch) => void = () => {}
  const output = await listen((batch) => {
    if (batch.signal !== 'profiles') received[batch.signal] += batch.count
    take(batch)
  })
  let binary: Binary | undefined
  try {
    const file = join(folder, 'config.yaml')
    await writeFile(file, config === undefined ? passThrough : adaptConfig(await readFile(config, 'utf8'), config))
    binary = await startBinary(file, { name: config ?? file, outputPort: (output.address() as AddressInfo).port })
  } catch (error) {
    output.close()
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  const { child, port, log } = binary
  const clients = new Map(signals.map((signal) => [signal, localClient({ port, signal, ...clientOptions })] as const))

  async function send(signal: PlayedSignal, chunks: readonly Uint8Array[]): Promise<void> {
    const client = clients.get(signal)!
    const { outcome, message, rejected } = await client.send(await client.encode(Buffer.concat(chunks)))
    if (outcome !== 'accepted' || rejected > 0)
      throw new Error(`the pipeline did not take ${signal}: ${message || outcome}\n${log()}`.trim())
  }

  return {
    sent,
    received,
    onBatch: (next) => (take = next),
    tell: (unixMs) => tellTime(child, BigInt(Math.round(unixMs)) * 1_000_000n),
    async pass(batches) {
      for (const signal of signals) {
        let chunks: Uint8Array[] = []
        let bytes = 0
        for (const batch of batches) {
          if (batch.signal !== signal) continue
          sent[signal] += batch.count
          chunks.push(...batch.chunks)
          bytes += batch.byteLength
          if (bytes < maxRequestBytes) continue
          await send(signal, chunks)
          chunks = []
          bytes = 0
        }
        if (chunks.length > 0) await send(signal, chunks)
      }
    },
    async close() {
      for (const client of clients.values()) client.close()
      await stop(child)
      output.closeAllConnections()
      output.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Binary {
  readonly child: ChildProcess
  readonly port: number
  readonly log: () => string
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** It runs where the configuration lies: what it writes is not that of another one. */
async function startBinary(
  config: string,
  { name, outputPort }: { readonly name: string; readonly outputPort: number },
): Promise<Binary> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const main = resolve(import.meta.dirname, `../main${extname(import.meta.filename)}`)
    const child = spawn(process.execPath, [main, '--config', config, '--clock', 'told'], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      cwd: dirname(config),
      env: {
        ...process.env,
        [inputVariable]: `127.0.0.1:${port}`,
        [outputVariable]: `http://127.0.0.1:${outputPort}`,
      },
    })
    running.add(child)
    child.on('exit', () => running.delete(child))
    let log = ''
    child.stderr?.on('data', (part: Buffer) => {
      if (log.length < maxLogLength) log += part.toString()
    })
    if (await isReady(child, port)) return { child, port, log: () => log }
    await stop(child)
    // Between asking for a free port and using it, somebody else may have taken it.
    if (attempt < startAttempts && log.includes('EADDRINUSE')) continue
    throw new Error(`the pipeline did not start with ${name}:\n${log}`.trim())
  }
}

async function isReady(child: ChildProcess, port: number): Promise<boolean> {
  const begun = performance.now()
  while (performance.now() - begun < readyTimeoutMs) {
    if (child.exitCode !== null || child.signalCode !== null) return false
    if (await answers(port, 'metrics')) return true
    await delay(pollMs)
  }
  return false
}

async function listen(take: (batch: Batch) => void): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void read(request).then(
      (batch) => {
        take(batch)
        response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end()
      },
      (error: unknown) => response.writeHead(400).end(String(error)),
    )
  })
  await new Promise<void>((resolved) => server.listen(0, '127.0.0.1', resolved))
  return server
}

async function read(request: IncomingMessage): Promise<Batch> {
  const signal = signals.find((one) => request.url === `/v1/${one}`)
  if (signal === undefined) throw new Error(`nothing is known of ${request.url}`)
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new Error('send it without compression: it stays on this machine')
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const body = Buffer.concat(parts)
  return readOtlp(signal, new Uint8Array(body.buffer, body.byteOffset, body.length), 'proto', noOrigin)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  await ended
  clearTimeout(timer)
}
