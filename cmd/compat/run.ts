/** Runs a Collector on free ports with a configuration of ours, for the suites that send it data. */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../../pipeline/testing/free-ports.ts'
import type { Outcome, Program } from './program.ts'

interface Ports {
  readonly grpc: number
  readonly http: number
}

export interface Started {
  readonly ports: Ports
  /** Empty, or why it never said that it is ready. */
  readonly trouble: string
  stop(): Promise<Outcome>
}

export const readyLine = 'Everything is ready. Begin running and processing data.'
const readyTimeoutMs = 15_000
const pollMs = 25
const arrivalTimeoutMs = 8_000
/** A file that has not grown for so long has everything. */
const quietMs = 400

/** `body` is the YAML without receivers and service; `exporters` is what every pipeline ends in. */
export interface Pipeline {
  readonly body: string
  readonly exporters: string
  /** Keys beside `endpoint` of the two protocols of the OTLP receiver. */
  readonly grpc?: string
  readonly http?: string
}

export async function start(program: Program, folder: string, pipeline: Pipeline): Promise<Started> {
  const [grpc = 0, http = 0] = await freePorts(2)
  const ports: Ports = { grpc, http }
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${program.name}-${ports.http}.yaml`)
  await writeFile(file, yamlOf(pipeline, ports))
  const running = program.start(['--config', file], folder)
  const deadline = performance.now() + readyTimeoutMs
  while (!running.log().includes(readyLine) && running.child.exitCode === null && performance.now() < deadline)
    await sleep(pollMs)
  const trouble = running.log().includes(readyLine)
    ? ''
    : `${program.name} did not start: ${running.log().slice(-1500)}`
  return { ports, trouble, stop: () => running.stop() }
}

export function toFile(file: string): Pipeline {
  return { body: `exporters:\n  file: {path: ${file}, flush_interval: 50ms}`, exporters: 'file' }
}

export async function untilQuiet(file: string): Promise<void> {
  const start = performance.now()
  let size = 0
  let since = start
  while (performance.now() - start < arrivalTimeoutMs && (size === 0 || performance.now() - since < quietMs)) {
    await sleep(pollMs)
    const now = await stat(file).then(
      ({ size: bytes }) => bytes,
      () => 0,
    )
    if (now !== size) since = performance.now()
    size = now
  }
}

function yamlOf({ body, exporters, grpc, http }: Pipeline, ports: Ports): string {
  const signals = ['traces', 'metrics', 'logs']
  const pipelines = signals.map(
    (signal) => `    ${signal}: {receivers: [otlp], processors: [batch], exporters: [${exporters}]}`,
  )
  return `receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:${ports.grpc}"${grpc ? `, ${grpc}` : ''}}
      http: {endpoint: "127.0.0.1:${ports.http}"${http ? `, ${http}` : ''}}
processors:
  batch: {timeout: 50ms}
${body}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
${pipelines.join('\n')}
`
}
