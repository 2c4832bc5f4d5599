/**
 * Records what the real Collector makes of the cases of a component, so that tests compare with it where it is not installed:
 * `node pipeline/testing/upstream/record.ts <otelcol with that component> processors/<type> [...]` writes `testdata/upstream.json` there.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { freePorts } from '../free-ports.ts'
import { type Outcome, outcomeOf, readCases, requestsOf, targetsOf, type UpstreamCase } from './cases.ts'
import { collectorConfig, fileOf, type Setting } from './collector-config.ts'
import { writeRecorded } from './recording.ts'

const startMs = 10_000
/** What is held for a while leaves before the end. */
const settleMs = 2_500
/** The file exporter writes now and then. */
const flushMs = 100

async function record(otelcol: string, folder: string): Promise<void> {
  const cases = await readCases(folder)
  const work = await mkdtemp(join(tmpdir(), 'upstream-'))
  const ports = await freePorts(cases.length)
  const setting: Setting = { ...(await upstreamType(otelcol, folder)), ports, work }
  const config = join(work, 'config.yaml')
  await writeFile(config, collectorConfig(cases, setting))
  const child = spawn(otelcol, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (text: Buffer) => (log += text.toString()))
  try {
    for (let waited = 0; !log.includes('Everything is ready'); waited += 100) {
      if (child.exitCode !== null || waited > startMs) throw new Error(`the Collector did not start:\n${log}`)
      await sleep(100)
    }
    const early = await Promise.all(cases.map((one, i) => play(one, folder, i, setting)))
    const exited = once(child, 'exit')
    await sleep(settleMs)
    child.kill('SIGTERM')
    await exited
    const outcomes = cases.map(async (one, i): Promise<[string, Outcome]> => {
      const { refused, outcome } = early[i] as Played
      return [one.name, outcome ?? outcomeOf(one, await written(one, i, setting), refused)]
    })
    const recorded = Object.fromEntries(await Promise.all(outcomes))
    await writeRecorded(folder, recorded)
    console.log(`${folder}: recorded ${cases.length} cases`)
  } finally {
    child.kill('SIGKILL')
    await rm(work, { recursive: true, force: true })
  }
}

interface Played {
  readonly refused: readonly number[]
  /** Of a case that says when to look. */
  readonly outcome: Outcome | undefined
}

async function play(one: UpstreamCase, folder: string, i: number, setting: Setting): Promise<Played> {
  const refused: number[] = []
  for (const { body, headers, waitMs } of await requestsOf(one, folder)) {
    const response = await fetch(`http://127.0.0.1:${setting.ports[i]}/v1/${one.signal}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    const text = await response.text()
    if (response.status === 400) throw new Error(`${one.name}: the request is wrong: ${text}`)
    if (!response.ok) {
      refused.push(response.status)
      console.log(`${one.name}: ${response.status} ${text}`)
    }
    if (waitMs > 0) await sleep(waitMs)
  }
  if (one.until === undefined) return { refused, outcome: undefined }
  await sleep(one.until + flushMs)
  return { refused, outcome: outcomeOf(one, await written(one, i, setting), refused) }
}

/** The requests that were written, by output. */
async function written(one: UpstreamCase, i: number, { work }: Setting): Promise<Map<string, unknown[]>> {
  const read = targetsOf(one).map(async (target): Promise<[string, unknown[]]> => {
    const text = await readFile(join(work, fileOf(i, target)), 'utf8').catch(() => '')
    const lines = text.split('\n').filter((line) => line !== '')
    return [target, lines.map((line) => JSON.parse(line) as unknown)]
  })
  return new Map(await Promise.all(read))
}

/** The folder's component as this Collector spells it: some have underscores in one version and none in another. */
async function upstreamType(otelcol: string, folder: string): Promise<Pick<Setting, 'section' | 'type'>> {
  const section = basename(dirname(resolve(folder)))
  if (section !== 'processors' && section !== 'connectors') throw new Error(`${folder}: no processor or connector`)
  const { stdout } = await promisify(execFile)(otelcol, ['components'])
  const listed = (parse(stdout) as Record<string, readonly { name: string }[]>)[section] ?? []
  const plain = (type: string) => type.replaceAll('_', '')
  const found = listed.find(({ name }) => plain(name) === plain(basename(folder)))
  if (found === undefined) throw new Error(`${otelcol} has no ${basename(folder)} among its ${section}`)
  return { section, type: found.name }
}

const [otelcol, ...folders] = process.argv.slice(2)
if (otelcol === undefined || folders.length === 0) {
  console.error('usage: node pipeline/testing/upstream/record.ts <otelcol> processors/<type> connectors/<type> [...]')
  process.exitCode = 2
} else for (const folder of folders) await record(otelcol, folder)
