/** Suite `components`: each configuration of a single component, in the smallest pipeline around it, must get the same verdict from both. */
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { abilities } from './abilities.ts'
import { type ComponentConfig, readComponentCorpus, readUpstreamTestdata } from './component-configs.ts'
import { isMap } from './corpus.ts'
import { reasonFor } from './known.ts'
import { contribManifest } from './oracle.ts'
import { inParallel, laneFolder, type Program } from './program.ts'
import { type Contest, isWanted, name, type SuiteResult } from './suite.ts'
import { compareVerdicts, type Disagreement } from './verdict.ts'

const suite = 'components'
const configFile = 'config.yaml'
const lanes = 2
const signals = ['traces', 'metrics', 'logs'] as const

export async function compareComponents(contest: Contest, contrib: Program): Promise<SuiteResult> {
  const { folder, configs } = await readComponentCorpus()
  const testdata = await readUpstreamTestdata(contribManifest)
  const skipped = [
    ...(configs ? [] : [`no component configurations at ${folder}: set VIGIL_SHARED to the folder that has corpus`]),
    ...(testdata.length > 0 ? [] : ["upstream's own testdata: the Go module cache does not have it"]),
  ]
  const known = await Promise.all([
    abilities(contest.oracle, contest.work),
    abilities(contrib, contest.work),
    abilities(contest.subject, contest.work),
  ])
  const [core, more, subject] = known
  const judges = (one: ComponentConfig): { program: Program; pairs: readonly string[] } | undefined => {
    const key = `${one.section}/${one.type}`
    const ours = subject.get(key)?.takes
    if (ours === undefined) return undefined
    for (const [program, its] of [
      [contrib, more],
      [contest.oracle, core],
    ] as const) {
      const theirs = its.get(key)?.takes
      if (theirs !== undefined) return { program, pairs: theirs.filter((pair) => ours.includes(pair)) }
    }
    return undefined
  }
  const cases = [...(configs ?? []), ...testdata].flatMap((one) => {
    const judge = judges(one)
    return judge === undefined || !isWanted(one.name, contest) ? [] : [{ ...one, ...judge }]
  })
  const found = await inParallel(cases, lanes, async (one, lane) => {
    const where = laneFolder(contest.work, lane)
    await mkdir(where, { recursive: true })
    const yaml = pipelineAround(one, one.pairs)
    await writeFile(join(where, configFile), yaml)
    const oracle = await one.program.validate(configFile, where)
    const vigil = await contest.subject.validate(configFile, where)
    return name(suite, one.name, compareVerdicts(oracle, vigil, contest.subject), yaml)
  })
  return {
    suite,
    cases: cases.length,
    disagreements: found.flat(),
    skipped,
    notes: [...agreement(cases, found), ...(await portedCases())],
  }
}

function pipelineAround(one: ComponentConfig, pairs: readonly string[]): string {
  const { section, id, yaml } = one
  const nop = { receivers: ['nop'], exporters: ['nop'] }
  const of = (signal: string): [string, object] => {
    if (section === 'processors') return [signal, { ...nop, processors: [id] }]
    if (section === 'receivers') return [signal, { ...nop, receivers: [id] }]
    if (section === 'exporters') return [signal, { ...nop, exporters: [id] }]
    return [signal, nop]
  }
  const known = signals.filter((signal) => pairs.includes(signal))
  const pipelines: [string, object][] =
    section === 'connectors'
      ? around(one, pairs)
      : section === 'extensions'
        ? [of('traces')]
        : known.map((signal) => of(signal))
  const rest: Record<string, object> = {
    receivers: { nop: null },
    exporters: { nop: null },
    service: {
      telemetry: { metrics: { level: 'none' } },
      ...(section === 'extensions' ? { extensions: [id] } : {}),
      pipelines: Object.fromEntries(pipelines),
    },
  }
  const own = `${section}:\n${yaml.trimEnd().replaceAll(/^/gm, '  ')}\n`
  const beside = rest[section] === undefined ? '' : '  nop:\n'
  delete rest[section]
  return `${own}${beside}${stringify(rest)}`
}

/** One pipeline in for each signal, and out the pipelines that the body names, or one for each signal. */
function around({ id, body }: ComponentConfig, pairs: readonly string[]): [string, object][] {
  const named = [...new Set(pipelinesIn(body, false))]
  const ways = pairs.map((pair) => pair.split('-to-') as [string, string])
  const used =
    named.length === 0 ? ways : ways.filter(([, to]) => named.some((pipeline) => pipeline.split('/')[0] === to))
  const into = [...new Set(used.map(([from]) => from))]
  const outOf = named.length > 0 ? named : [...new Set(used.map(([, to]) => `${to}/out`))]
  return [
    ...into.map((signal): [string, object] => [`${signal}/in`, { receivers: ['nop'], exporters: [id] }]),
    ...outOf.map((pipeline): [string, object] => [pipeline, { receivers: [id], exporters: ['nop'] }]),
  ]
}

/** Every pipeline that a key such as `default_pipelines` or `priority_levels` lists. */
function pipelinesIn(value: unknown, isList: boolean): string[] {
  if (typeof value === 'string') return isList && /^(traces|metrics|logs)(\/|$)/.test(value) ? [value] : []
  if (Array.isArray(value)) return value.flatMap((item) => pipelinesIn(item, isList))
  if (!isMap(value)) return []
  return Object.entries(value).flatMap(([key, item]) => pipelinesIn(item, /pipelines|priority_levels/.test(key)))
}

function agreement(cases: readonly ComponentConfig[], found: readonly (readonly Disagreement[])[]): string[] {
  const groups = new Map<string, { cases: number; verdict: number; agree: number; known: number }>()
  for (const [i, { section, type }] of cases.entries()) {
    const key = `${section}/${type}`
    const group = groups.get(key) ?? { cases: 0, verdict: 0, agree: 0, known: 0 }
    groups.set(key, group)
    const disagreements = found[i] ?? []
    group.cases++
    if (disagreements.every(({ check }) => check !== 'verdict' && check !== 'crash')) group.verdict++
    if (disagreements.length === 0) group.agree++
    else if (disagreements.every((one) => reasonFor(one) !== undefined)) group.known++
  }
  const rows = [...groups].sort(([a], [b]) => a.localeCompare(b))
  const sum = (of: 'cases' | 'verdict' | 'agree' | 'known') => rows.reduce((all, [, group]) => all + group[of], 0)
  const all = { cases: sum('cases'), verdict: sum('verdict'), agree: sum('agree'), known: sum('known') }
  return [
    `${'single configurations'.padEnd(36)}cases  same verdict    and text  known`,
    ...[...rows, ['all', all] as const].map(
      ([title, group]) =>
        `${title.padEnd(36)}${count(group.cases, 5)}${count(group.verdict, 5)}${percent(group.verdict, group.cases)}` +
        `${count(group.agree, 5)}${percent(group.agree, group.cases)}${count(group.known, 6)}`,
    ),
  ]
}

function count(n: number, width: number): string {
  return String(n).padStart(width)
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`.padStart(9)
}

/** How many table cases of upstream's own tests each component has taken over: of its `testdata/upstream-tests.yaml`. */
async function portedCases(): Promise<string[]> {
  const repository = resolve(import.meta.dirname, '../..')
  const files: string[] = []
  for await (const file of glob('{processors,connectors}/*/testdata/upstream-tests.yaml', { cwd: repository }))
    files.push(file)
  const rows = files.sort().map(async (file) => {
    const tests: unknown = parse(await readFile(join(repository, file), 'utf8'))
    const sum = (key: string) =>
      (Array.isArray(tests) ? tests : []).reduce(
        (all: number, one: unknown) => all + (isMap(one) ? Number(one[key]) : 0),
        0,
      )
    const [ported, total] = [sum('ported'), sum('cases')]
    const title = file.replace('/testdata/upstream-tests.yaml', '')
    return `  ${title.padEnd(36)}${String(total).padStart(5)}${String(ported).padStart(7)}         ${percent(ported, total)}`
  })
  return files.length === 0
    ? []
    : ["table cases of upstream's tests                       total ported", ...(await Promise.all(rows))]
}
