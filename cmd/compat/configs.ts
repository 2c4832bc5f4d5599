/** Suite `configs`: real configurations, whole and cut down to what both Collectors know, must get the same verdict from both. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CorpusConfig, isKnown, type KnownTypes, readCorpus, reduce, sections, type TypeName } from './corpus.ts'
import { readEdgeCases } from './edge-cases.ts'
import { inParallel, laneFolder, type Outcome, type Program } from './program.ts'
import { type Contest, isWanted, name, type SuiteResult } from './suite.ts'
import { countMissing, knownTypes } from './types.ts'
import { brief, compareVerdicts, crashed, type Disagreement } from './verdict.ts'

const suite = 'configs'
const configFile = 'config.yaml'
const lanes = 2

export interface ValidConfig {
  readonly name: string
  readonly text: string
}

/** `valid`: those that both take. */
export async function compareConfigs(contest: Contest): Promise<{ result: SuiteResult; valid: ValidConfig[] }> {
  const seeds = await readSeeds()
  const { folder, configs } = await readCorpus()
  const skipped = configs
    ? []
    : [`no real configurations at ${folder}: set VIGIL_SHARED to the folder that has corpus/configs`]
  const known = await bothKnow(contest)
  const cases = [
    ...(await readEdgeCases()),
    ...seeds.map(({ name, text }): Case => ({ name, text })),
    ...(configs ?? []).flatMap((config) => casesOf(config, known)),
  ].filter((one) => isWanted(one.name, contest))
  const valid: ValidConfig[] = []
  const found = await inParallel(cases, lanes, async (one, lane) => {
    const [oracle, subject] = await validateBoth(contest, one.text, lane)
    // Edge cases are near-copies of one configuration, so breaking each of them would teach nothing.
    const isBase = !one.name.startsWith('edge: ') && oracle.exitCode === 0 && subject.exitCode === 0
    if (isBase) valid.push({ name: one.name, text: one.text })
    return name(suite, one.name, judge(one, oracle, subject, contest.subject))
  })
  const missing = (configs ?? []).map(({ types }) => types.filter((type) => !isKnown(type, known.subject)))
  const runs = missing.filter((types) => types.length === 0).length
  const notes = configs
    ? [`${runs} of ${configs.length} real configurations use only types that ${contest.subject.name} has`]
    : []
  const result = {
    suite,
    cases: cases.length,
    disagreements: found.flat(),
    skipped,
    missing: countMissing(missing),
    notes,
  }
  return { result, valid: valid.sort((a, b) => a.name.localeCompare(b.name)) }
}

interface Case {
  readonly name: string
  readonly text: string
  /** Types that only one side, or neither, has. */
  readonly unknown?: { readonly toOracle: readonly TypeName[]; readonly toSubject: readonly TypeName[] }
}

function casesOf(config: CorpusConfig, known: Known): Case[] {
  const lacks = (types: KnownTypes) => config.types.filter((type) => !isKnown(type, types))
  const unknown = { toOracle: lacks(known.oracle), toSubject: lacks(known.subject) }
  const whole: Case = { name: config.name, text: config.text, unknown }
  const cutDown = config.value && unknown.toOracle.length + unknown.toSubject.length > 0
  return cutDown ? [whole, { name: `${config.name} (cut down)`, text: reduce(config.value, known.shared) }] : [whole]
}

/** With a type that only one side has, the verdicts must differ; then all that counts is that each says why. */
function judge(
  { unknown }: Case,
  oracle: Outcome,
  subject: Outcome,
  program: Program,
): Omit<Disagreement, 'suite' | 'case'>[] {
  const toOracle = unknown?.toOracle.length ?? 0
  const toSubject = unknown?.toSubject.length ?? 0
  if (toOracle === 0 && toSubject === 0) return compareVerdicts(oracle, subject, program)
  const said = { oracle: brief(oracle), vigil: brief(subject) }
  if (crashed(subject)) return [{ check: 'crash', ...said }]
  if (toSubject === 0) return []
  const why = /unknown type: "|exporter has been deprecated, use the debug exporter|not valid YAML/
  if (subject.exitCode !== 1) return [{ check: 'exit code', ...said }]
  return why.test(subject.stderr) ? [] : [{ check: 'message', ...said }]
}

interface Known {
  readonly oracle: KnownTypes
  readonly subject: KnownTypes
  readonly shared: KnownTypes
}

async function bothKnow({ oracle, subject, work }: Contest): Promise<Known> {
  const [first, second] = await Promise.all([knownTypes(oracle, work), knownTypes(subject, work)])
  const shared = sections.map((section) => [
    section,
    new Set([...first[section]].filter((type) => second[section].has(type))),
  ])
  return { oracle: first, subject: second, shared: Object.fromEntries(shared) as unknown as KnownTypes }
}

/** Small configurations of ours that together use nearly every key of the core components. */
export async function readSeeds(): Promise<ValidConfig[]> {
  const folder = join(import.meta.dirname, 'seeds')
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort()
  return Promise.all(
    files.map(async (file) => ({
      name: `seed ${file.replace(/\.yaml$/, '')}`,
      text: await readFile(join(folder, file), 'utf8'),
    })),
  )
}

export async function validateBoth(contest: Contest, text: string, lane: number): Promise<[Outcome, Outcome]> {
  const folder = laneFolder(contest.work, lane)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, configFile), text)
  const { oracle, subject } = contest
  return [await oracle.validate(configFile, folder), await subject.validate(configFile, folder)]
}
