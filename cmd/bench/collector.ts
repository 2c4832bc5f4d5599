/** A Collector under measurement, Vigil or the real one, each started with the same YAML but for the ports. */
import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../../pipeline/testing/free-ports.ts'
import { answers } from '../generate/local-client.ts'
import { type Place, start, stop } from './child.ts'
import type { BenchedComponent } from './rows.ts'

export interface Program {
  readonly name: 'otelcol' | 'vigil'
  readonly command: readonly string[]
}
export interface Collector {
  readonly program: Program
  readonly pid: number
  readonly child: ChildProcess
  readonly grpcPort: number
  readonly httpPort: number
  /** From starting the process to its first answer. */
  readonly readyMs: number
  metrics(): Promise<string>
  log(): string
}

export const vigil = (nodeFlags: readonly string[] = []): Program => ({
  name: 'vigil',
  command: [process.execPath, ...nodeFlags, resolve(import.meta.dirname, '../main.ts')],
})
export const realCollector = (file: string): Program => ({ name: 'otelcol', command: [file] })

const readyTimeoutMs = 20_000
const pollMs = 10
const maxLogBytes = 64 * 1024

/** `exporters` is the YAML of the one exporter, named `exporter`. */
export async function startCollector(
  program: Program,
  folder: string,
  exporter: string,
  body: string,
  component?: BenchedComponent,
): Promise<Collector> {
  const [grpcPort = 0, httpPort = 0, metricsPort = 0] = await freePorts(3)
  const file = join(folder, `${program.name}-${grpcPort}.yaml`)
  await writeFile(file, yaml(grpcPort, httpPort, metricsPort, exporter, body, component))
  const place: Place = 'measured'
  const begun = performance.now()
  const child = start(place, [...program.command, '--config', file], 'pipe')
  let log = ''
  child.stderr!.on('data', (part: Buffer) => {
    if (log.length < maxLogBytes) log += part.toString()
  })
  try {
    await untilReady(child, httpPort, begun, () => log)
  } catch (error) {
    await stop(child)
    throw error
  }
  return {
    program,
    pid: child.pid!,
    child,
    grpcPort,
    httpPort,
    readyMs: performance.now() - begun,
    metrics: async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
    log: () => log,
  }
}

function yaml(
  grpcPort: number,
  httpPort: number,
  metricsPort: number,
  exporter: string,
  body: string,
  component: BenchedComponent | undefined,
): string {
  const config = component && `  ${component.type}:\n${component.config.replace(/^/gm, '    ')}\n`
  return `receivers:
  otlp:
    protocols:
      grpc: { endpoint: '127.0.0.1:${grpcPort}', max_recv_msg_size_mib: 64 }
      http: { endpoint: '127.0.0.1:${httpPort}' }
processors:
  batch:
${component?.section === 'processors' ? config : ''}${component?.section === 'connectors' ? `connectors:\n${config}` : ''}exporters:
  ${exporter}:
${body.replace(/^/gm, '    ')}
service:
  telemetry:
    logs: { level: warn }
    metrics:
      readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${metricsPort} } } } }]
  pipelines:
${pipelines(exporter, component)}`
}

function pipelines(exporter: string, component: BenchedComponent | undefined): string {
  const end = `processors: [batch], exporters: [${exporter}] }`
  if (component === undefined)
    return ['traces', 'metrics', 'logs'].map((signal) => `    ${signal}: { receivers: [otlp], ${end}\n`).join('')
  const { section, type, sink } = component
  return section === 'processors'
    ? `    traces: { receivers: [otlp], processors: [${type}, batch], exporters: [${exporter}] }\n`
    : `    traces: { receivers: [otlp], exporters: [${type}] }\n    ${sink}: { receivers: [${type}], ${end}\n`
}

/** Ready is when it answers, whatever it writes into its log. */
async function untilReady(child: ChildProcess, port: number, begun: number, log: () => string): Promise<void> {
  const isOver = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined
  while (performance.now() - begun < readyTimeoutMs) {
    if (isOver()) throw new Error(`${child.spawnfile} ended with ${child.exitCode} before it was ready:\n${log()}`)
    if (await answers(port, 'traces')) return
    await delay(pollMs)
  }
  throw new Error(`${child.spawnargs.join(' ')} was not ready after ${readyTimeoutMs / 1_000} s:\n${log()}`)
}
