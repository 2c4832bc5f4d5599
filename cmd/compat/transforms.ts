/** Suite `transforms`: the same traffic through each processor and connector must come out the same. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import { freePorts } from '../../pipeline/testing/free-ports.ts'
import { targetsOf, type UpstreamCase } from '../../pipeline/testing/upstream/cases.ts'
import { collectorConfig, fileOf, type Setting } from '../../pipeline/testing/upstream/collector-config.ts'
import { abilities, plain } from './abilities.ts'
import { readFiles } from './inputs.ts'
import { inParallel, type Program } from './program.ts'
import { difference, leavesOf } from './records.ts'
import { readyLine } from './run.ts'
import { type Contest, isWanted, name, type SuiteResult } from './suite.ts'
import { type TrafficSignal, traffic } from './traffic.ts'
import type { Disagreement, Finding } from './verdict.ts'

const suite = 'transforms'
/** Each runs one Collector at a time, and mostly waits. */
const lanes = 3
const startMs = 30_000
/** What is held for a while leaves before the end. */
const settleMs = 2_000
const flushMs = 300
const shownRecords = 2
const signals: readonly TrafficSignal[] = ['traces', 'metrics', 'logs']

type Written = Readonly<Partial<UpstreamCase>> & { readonly name: string; readonly signals?: readonly TrafficSignal[] }

export async function compareTransforms(contest: Contest, contrib: Program): Promise<SuiteResult> {
  const folder = join(contest.work, suite)
  const text = await readFile(join(import.meta.dirname, 'component-cases.yaml'), 'utf8')
  const components = Object.entries(parse(text) as Record<string, Written[]>)
  const [theirs, ours] = await Promise.all([abilities(contrib, contest.work), abilities(contest.subject, contest.work)])
  const inputs = await allInputs()
  const compared = await inParallel(components, lanes, async ([component, written]): Promise<Compared | string> => {
    const [section, type] = component.split('/') as [Setting['section'], string]
    const key = `${section}/${plain(type)}`
    const [oracle, subject] = [theirs.get(key), ours.get(key)]
    if (oracle === undefined || subject === undefined)
      return `${component}: ${subject === undefined ? contest.subject.name : contrib.name} has none`
    const takes = signals.filter((signal) => subject.takes.some((pair) => pair.split('-to-')[0] === signal))
    const cases = written.flatMap((one) => casesOf(component, one, takes)).filter((one) => isWanted(one.name, contest))
    if (cases.length === 0) return { cases: 0, disagreements: [], row: '' }
    const run = (program: Program, spelled: string) =>
      runOrEach(program, cases, { section, type: spelled }, inputs, join(folder, program.name, plain(type)))
    const wanted = await run(contrib, oracle.type)
    const given = await run(contest.subject, subject.type)
    const found = cases.map((one, i) => {
      const [its, vigils] = [wanted[i]!, given[i]!]
      const hasRun = its.trouble === '' && vigils.trouble === ''
      return name(suite, one.name, hasRun ? compare(one, its, vigils) : [notRun(its, vigils)])
    })
    const records = wanted.flatMap(({ output }) => output).reduce((n, target) => n + target.length, 0)
    const agree = found.filter((one) => one.length === 0).length
    const columns = [cases.length, agree, records].map((n) => String(n).padStart(8)).join('')
    return { cases: cases.length, disagreements: found.flat(), row: `  ${component.padEnd(32)}${columns}` }
  })
  const done = compared.filter((one) => typeof one !== 'string')
  const fed = signals.map((signal) => `${inputs[signal].length} of ${signal}`).join(', ')
  return {
    suite,
    cases: done.reduce((all, { cases }) => all + cases, 0),
    disagreements: done.flatMap(({ disagreements }) => disagreements),
    skipped: compared.filter((one) => typeof one === 'string'),
    notes: [
      `requests fed to each case of transforms: ${fed}`,
      `  ${'component'.padEnd(32)}   cases   agree records`,
      ...done.flatMap(({ row }) => (row === '' ? [] : [row])),
    ],
  }
}

interface Compared {
  readonly cases: number
  readonly disagreements: readonly Disagreement[]
  readonly row: string
}

function casesOf(component: string, one: Written, takes: readonly TrafficSignal[]): UpstreamCase[] {
  const { signals: own = takes, ...rest } = one
  return own
    .filter((signal) => takes.includes(signal))
    .map((signal) => ({
      headers: {},
      volatile: [],
      unordered: true,
      config: '',
      ...rest,
      name: `${component} ${one.name}${own.length > 1 ? `: ${signal}` : ''}`,
      signal,
    })) as UpstreamCase[]
}

async function allInputs(): Promise<Record<TrafficSignal, string[]>> {
  const files = await readFiles()
  const of = (signal: TrafficSignal) => [
    ...files.filter(({ path }) => path === `/v1/${signal}`).map(({ body }) => body),
    ...traffic(signal),
  ]
  return { traces: of('traces'), metrics: of('metrics'), logs: of('logs') }
}

interface Ran {
  /** Why it did not run, or did not end well. */
  readonly trouble: string
  readonly refusals: readonly string[]
  /** By target. */
  readonly output: readonly (readonly string[])[]
}

/** All cases in one Collector; where it does not run, each in one of its own, so that one bad case spoils no other. */
async function runOrEach(...[program, cases, of, inputs, work]: Parameters<typeof runAll>): Promise<Ran[]> {
  const ran = await runAll(program, cases, of, inputs, work)
  if (ran.every(({ trouble }) => trouble === '') || cases.length === 1) return ran
  const each: Ran[] = []
  for (const [i, one] of cases.entries())
    each.push(...(await runAll(program, [one], of, inputs, join(work, `alone-${i}`))))
  return each
}

/** One Collector with a receiver, an instance and a file for each case. */
async function runAll(
  program: Program,
  cases: readonly UpstreamCase[],
  of: Pick<Setting, 'section' | 'type'>,
  inputs: Record<TrafficSignal, string[]>,
  work: string,
): Promise<Ran[]> {
  await mkdir(work, { recursive: true })
  const setting: Setting = { ...of, ports: await freePorts(cases.length), work }
  const file = join(work, 'config.yaml')
  await writeFile(file, collectorConfig(cases, setting))
  const running = program.start(['--config', file], work)
  for (let waited = 0; !running.log().includes(readyLine); waited += 50) {
    if (running.child.exitCode !== null || waited > startMs) {
      const trouble = `did not start: ${lastError((await running.stop()).stderr)}`
      return cases.map(() => ({ trouble, refusals: [], output: [] }))
    }
    await sleep(50)
  }
  const played = await Promise.all(
    cases.map(async (one, i): Promise<{ refusals: string[]; early: string[][] | undefined }> => {
      const url = `http://127.0.0.1:${setting.ports[i]}/v1/${one.signal}`
      const refusals: string[] = []
      for (const [n, body] of inputs[one.signal].entries()) {
        const status = await post(url, body)
        if (status !== 200) refusals.push(`request ${n + 1} was answered ${status}`)
      }
      if (one.until === undefined) return { refusals, early: undefined }
      await sleep(one.until + flushMs)
      return { refusals, early: await written(one, i, work) }
    }),
  )
  await sleep(played.every(({ early }) => early !== undefined) ? 0 : settleMs)
  const ended = await running.stop()
  const trouble = ended.exitCode === 0 ? '' : `ended with ${ended.exitCode}: ${ended.stderr.slice(-800)}`
  return Promise.all(
    cases.map(async (one, i): Promise<Ran> => {
      const { refusals = [], early } = played[i] ?? {}
      return { trouble, refusals, output: early ?? (await written(one, i, work)) }
    }),
  )
}

function lastError(stderr: string): string {
  const at = stderr.lastIndexOf('Error: ')
  return stderr.slice(Math.max(at, stderr.length - 1500)).trim()
}

async function post(url: string, body: string): Promise<number> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  await response.arrayBuffer()
  return response.status
}

function written(one: UpstreamCase, i: number, work: string): Promise<string[][]> {
  const targets = targetsOf(one).map(async (target) =>
    leavesOf(await readFile(join(work, fileOf(i, target)), 'utf8').catch(() => ''), new Set(one.volatile)),
  )
  return Promise.all(targets)
}

function compare(one: UpstreamCase, wanted: Ran, given: Ran): Finding[] {
  const findings = targetsOf(one).flatMap((target, i): Finding[] => {
    const [all, its] = [wanted.output[i] ?? [], given.output[i] ?? []]
    const { missing, extra } = difference(all, its)
    if (missing.length + extra.length === 0) return []
    const show = (records: readonly string[], what: string) =>
      `${target}: ${records.length} ${what}\n${records.slice(0, shownRecords).join('\n')}`
    const oracle = show(missing.sort(), `of ${all.length} that only it wrote`)
    return [{ check: 'output', oracle, vigil: show(extra.sort(), `of ${its.length} of its own`) }]
  })
  const [first, second] = [wanted.refusals.join(', '), given.refusals.join(', ')]
  return first === second
    ? findings
    : [{ check: 'output', oracle: first || 'all is taken', vigil: second || 'all is taken' }, ...findings]
}

/** A case that the oracle refuses is a mistake in the case. */
function notRun(wanted: Ran, given: Ran): Finding {
  const said = ({ trouble }: Ran) => (trouble === '' ? 'starts, and stops with exit 0' : trouble)
  return { check: 'output', oracle: said(wanted), vigil: said(given) }
}
