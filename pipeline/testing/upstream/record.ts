/**
 * Records what the real Collector makes of the cases of a component, so that tests compare with it where it is not installed:
 * `node pipeline/testing/upstream/record.ts <otelcol with that component> processors/<type> [...]` writes `testdata/upstream.json` there.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { stringify } from 'yaml'
import { freePorts } from '../free-ports.ts'
import { inputOf, readCases, type UpstreamCase } from './cases.ts'

const settleMs = 10_000

async function record(otelcol: string, folder: string): Promise<void> {
  const cases = await readCases(folder)
  const work = await mkdtemp(join(tmpdir(), 'upstream-'))
  const ports = await freePorts(cases.length)
  const type = upstreamType(basename(folder))
  const config = join(work, 'config.yaml')
  await writeFile(config, collectorConfig(cases, type, ports, work))
  const child = spawn(otelcol, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (text: Buffer) => (log += text.toString()))
  try {
    for (let waited = 0; !log.includes('Everything is ready'); waited += 100) {
      if (child.exitCode !== null || waited > settleMs) throw new Error(`the Collector did not start:\n${log}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    for (const [i, one] of cases.entries()) {
      const response = await fetch(`http://127.0.0.1:${ports[i]}/v1/${one.signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...one.headers },
        body: await inputOf(one, folder),
      })
      if (!response.ok) throw new Error(`${one.name}: ${response.status} ${await response.text()}`)
    }
    const exited = once(child, 'exit')
    // What is held for a while leaves before the end.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    child.kill('SIGTERM')
    await exited
    const outputs: Record<string, unknown> = {}
    for (const [i, one] of cases.entries()) {
      const text = await readFile(join(work, `${i}.json`), 'utf8').catch(() => '')
      outputs[one.name] = text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown)
    }
    await writeFile(join(folder, 'testdata/upstream.json'), `${JSON.stringify(outputs, null, 1)}\n`)
    console.log(`${folder}: recorded ${cases.length} cases`)
  } finally {
    child.kill('SIGKILL')
    await rm(work, { recursive: true, force: true })
  }
}

function collectorConfig(cases: readonly UpstreamCase[], type: string, ports: readonly number[], work: string): string {
  const section = (of: (one: UpstreamCase, i: number) => readonly [string, unknown]) =>
    Object.fromEntries(cases.map(of))
  const listen = (i: number) => ({ http: { endpoint: `127.0.0.1:${ports[i]}`, include_metadata: true } })
  const rest = stringify(
    {
      receivers: section((_one, i) => [`otlp/${i}`, { protocols: listen(i) }]),
      exporters: section((_one, i) => [`file/${i}`, { path: join(work, `${i}.json`) }]),
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: section((one, i) => [
          `${one.signal}/${i}`,
          { receivers: [`otlp/${i}`], processors: [`${type}/${i}`], exporters: [`file/${i}`] },
        ]),
      },
    },
    { aliasDuplicateObjects: false },
  )
  // As text: a parser of ours would make 1 of 1.0.
  const bodies = cases.map(({ config }, i) => `  ${type}/${i}:\n${config.replaceAll(/^/gm, '    ')}\n`)
  return `${rest}processors:\n${bodies.join('')}`
}

/** As the Collector of the recordings spells it. */
function upstreamType(type: string): string {
  return type.startsWith('group_by') ? type.replaceAll('_', '') : type
}

const [otelcol, ...folders] = process.argv.slice(2)
if (otelcol === undefined || folders.length === 0) {
  console.error('usage: node pipeline/testing/upstream/record.ts <otelcol> processors/<type> [...]')
  process.exitCode = 2
} else for (const folder of folders) await record(otelcol, folder)
