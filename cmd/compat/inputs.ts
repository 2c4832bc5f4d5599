/** The OTLP that both Collectors are fed: files of ours, OTLP's own examples, and what telemetrygen makes. */
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sharedPath } from '../../pipeline/testing/shared-files.ts'
import { levels } from './records.ts'
import { start, toFile, untilQuiet } from './run.ts'
import type { Contest } from './suite.ts'

export interface Input {
  readonly name: string
  /** `/v1/traces` */
  readonly path: string
  /** OTLP JSON. */
  readonly body: string
}

const run = promisify(execFile)

export async function readInputs(contest: Contest): Promise<Input[]> {
  return [...(await readFiles()), ...(await generated(contest))]
}

export async function readFiles(): Promise<Input[]> {
  const folders = [join(import.meta.dirname, 'inputs'), sharedPath('corpus/golden/otlp_proto_examples')]
  const read = await Promise.all(folders.map(inputsIn))
  return read.flat()
}

async function inputsIn(folder: string): Promise<Input[]> {
  const files = await readdir(folder).catch(() => [])
  const inputs = files
    .toSorted((a, b) => a.localeCompare(b))
    .map(async (file) => inputOf(file, await readFile(join(folder, file), 'utf8')))
  return (await Promise.all(inputs)).filter((input) => input !== undefined)
}

function inputOf(name: string, body: string): Input | undefined {
  const signal = Object.entries(levels).find(([, { resources }]) => body.includes(`"${resources}"`))?.[0]
  return signal === undefined ? undefined : { name, path: `/v1/${signal}`, body }
}

const telemetrygenRuns: readonly (readonly string[])[] = [
  ['traces', '--traces', '3', '--child-spans', '2', '--status-code', 'Error', '--telemetry-attributes', 'a="b"'],
  ['metrics', '--metrics', '2', '--metric-type', 'Gauge'],
  ['metrics', '--metrics', '2', '--metric-type', 'Sum'],
  ['metrics', '--metrics', '2', '--metric-type', 'Histogram'],
  ['metrics', '--metrics', '2', '--metric-type', 'ExponentialHistogram'],
  ['logs', '--logs', '3', '--body', 'hello', '--severity-number', '17', '--severity-text', 'Error'],
]

/** Its ids and times are random, so it runs once, into the real Collector, and the recording is what both are fed. */
async function generated({ oracle, binaries, work }: Contest): Promise<Input[]> {
  if (!binaries.telemetrygen) return []
  const folder = join(work, 'recording')
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'recording.json')
  const recorder = await start(oracle, folder, toFile(file))
  for (const args of telemetrygenRuns) {
    const target = ['--otlp-insecure', '--otlp-endpoint', `127.0.0.1:${recorder.ports.grpc}`, '--rate', '0']
    await run(binaries.telemetrygen, [...args, ...target])
  }
  await untilQuiet(file)
  await recorder.stop()
  const lines = (await readFile(file, 'utf8')).split('\n')
  return lines.map((line, index) => inputOf(`telemetrygen ${index + 1}`, line)).filter((input) => input !== undefined)
}
