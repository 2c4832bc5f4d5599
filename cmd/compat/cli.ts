/** Suite `cli`: the commands and flags that scripts around a Collector use. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { readSeeds } from './configs.ts'
import { isMap, sections } from './corpus.ts'
import type { Outcome } from './program.ts'
import { type Contest, isWanted, name, type SuiteResult } from './suite.ts'
import { brief, compareVerdicts, type Disagreement, type Finding } from './verdict.ts'

const suite = 'cli'

/** Errors of the command line: same exit code, same text. */
const errors: readonly (readonly string[])[] = [
  [],
  ['validate'],
  ['validate', 'extra'],
  ['validate', '--config', 'missing.yaml'],
  ['validate', '--config', 'file:/missing.yaml'],
  ['validate', '--config', '.'],
  ['validate', '--config', 'nosuch:x'],
  ['validate', '--config', 'env:VIGIL_COMPAT_UNSET'],
  ['validate', '--config'],
  ['validate', '--config', 'good.yaml'],
  ['validate', '--config', 'good.yaml', '--config', 'yaml:exporters::debug::verbosity: loud'],
  ['validate', '--config', 'good.yaml', '--set', 'exporters.debug.verbosity=loud'],
  ['validate', '--config', 'good.yaml', '--set', 'exporters.debug.verbosity=detailed'],
  ['validate', '--config', 'good.yaml', '--set', 'exporters.debug.verbosity='],
  ['validate', '--config', 'good.yaml', '--set', 'nosuch.key=1'],
  ['validate', '--config', 'good.yaml', '--set', 'malformed'],
  ['validate', '--config', 'good.yaml', '--feature-gates', 'nosuch'],
  ['validate', '--config', 'good.yaml', '--feature-gates=-nosuch'],
  ['validate', '--config', 'good.yaml', '--feature-gates=service.AllowNoPipelines,+service.profilesSupport'],
  ['validate', '--config', 'good.yaml', '--feature-gates='],
  ['validate', '--config', 'empty.yaml'],
  ['--config', 'invalid.yaml'],
  ['--config', 'missing.yaml'],
  ['nosuch'],
  ['valdate'],
  ['--nosuch'],
  ['validate', '--nosuch'],
  ['-x'],
  ['components', 'extra'],
  ['print-config'],
  ['print-config', '--config', 'invalid.yaml'],
  ['print-config', '--config', 'good.yaml', '--format', 'xml'],
  ['print-config', '--config', 'good.yaml', '--mode', 'xml'],
  ['featuregate', 'nosuch'],
  ['featuregate', 'a', 'b'],
]

const files = {
  'good.yaml':
    'receivers: {nop: }\nexporters: {debug: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [debug]}}}\n',
  'invalid.yaml':
    'receivers: {nop: }\nprocessors: {batch: {send_batch_size: 10, send_batch_max_size: 5}}\nexporters: {debug: }\n' +
    'service: {pipelines: {traces: {receivers: [nop], processors: [batch], exporters: [debug]}}}\n',
  'empty.yaml': '',
}

/** The seed that is printed in every form. */
const formsSeed = 'seed otlp-grpc-exporter'

interface Case {
  readonly name: string
  readonly args: readonly string[]
  compare(oracle: Outcome, vigil: Outcome): Finding[]
}

export async function compareCli(contest: Contest): Promise<SuiteResult> {
  const folder = join(contest.work, 'cli')
  await mkdir(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  const cases = [...errorCases(contest), ...outputCases(), ...(await printConfigCases(folder))]
  const wanted = cases.filter((one) => isWanted(one.name, contest))
  const disagreements: Disagreement[] = []
  for (const one of wanted) {
    const [oracle, subject] = [await contest.oracle.run(one.args, folder), await contest.subject.run(one.args, folder)]
    // The same default of the same key is wrong in every file that it is printed for.
    const news = name(suite, one.name, one.compare(oracle, subject)).filter(
      (found) => !disagreements.some((known) => known.oracle === found.oracle && known.vigil === found.vigil),
    )
    disagreements.push(...news)
  }
  return { suite, cases: wanted.length, disagreements, skipped: [] }
}

function errorCases({ subject }: Contest): Case[] {
  return errors.map((args) => ({
    name: args.length === 0 ? '(no arguments)' : args.join(' '),
    args,
    // Each program calls itself by its own name.
    compare: (oracle, vigil) => compareVerdicts(renamed(oracle), renamed(vigil), subject),
  }))
}

function renamed(outcome: Outcome): Outcome {
  return { ...outcome, stderr: outcome.stderr.replace(/\b(otelcol|vigil)\b/g, 'COMMAND') }
}

function outputCases(): Case[] {
  return [
    { name: 'components', args: ['components'], compare: compareComponents },
    { name: 'featuregate', args: ['featuregate'], compare: compareGates },
    { name: 'featuregate of one', args: ['featuregate', 'service.AllowNoPipelines'], compare: sameOutput },
    { name: '--version', args: ['--version'], compare: sameShape(/^\S+ version \S+\n$/) },
    { name: '-v', args: ['-v'], compare: sameShape(/^\S+ version \S+\n$/) },
    { name: '--help', args: ['--help'], compare: helpNames('--config', '--feature-gates', '--set') },
    {
      name: 'validate --help',
      args: ['validate', '--help'],
      compare: helpNames('--config', '--feature-gates', '--set'),
    },
  ]
}

async function printConfigCases(folder: string): Promise<Case[]> {
  const seeds = await readSeeds()
  const cases = seeds.map(async ({ name: seed, text }): Promise<Case[]> => {
    const file = `${seed.replace(/\W/g, '-')}.yaml`
    await writeFile(join(folder, file), text)
    const args = ['print-config', '--config', file]
    const forms = seed === formsSeed ? [[], ['--format', 'json'], ['--mode', 'unredacted'], ['--validate=false']] : [[]]
    return forms.map((form) => ({
      name: ['print-config', ...form, 'of', seed].join(' '),
      args: [...args, ...form],
      compare: compareDocuments,
    }))
  })
  return (await Promise.all(cases)).flat()
}

function sameOutput(oracle: Outcome, vigil: Outcome): Finding[] {
  const equal = oracle.stdout === vigil.stdout && oracle.exitCode === vigil.exitCode
  return equal ? [] : [{ check: 'output', oracle: brief(oracle), vigil: brief(vigil) }]
}

function sameShape(shape: RegExp) {
  return (oracle: Outcome, vigil: Outcome): Finding[] => {
    const equal = oracle.exitCode === vigil.exitCode && shape.test(oracle.stdout) === shape.test(vigil.stdout)
    return equal ? [] : [{ check: 'output', oracle: brief(oracle), vigil: brief(vigil) }]
  }
}

function helpNames(...flags: readonly string[]) {
  return (oracle: Outcome, vigil: Outcome): Finding[] => {
    const missing = ['Usage:', ...flags].filter((word) => !vigil.stdout.includes(word))
    const equal = oracle.exitCode === vigil.exitCode && missing.length === 0
    return equal ? [] : [{ check: 'output', oracle: `names ${missing.join(', ')}`, vigil: brief(vigil) }]
  }
}

/** Of the types that both have: the same stability for every signal. */
function compareComponents(oracle: Outcome, vigil: Outcome): Finding[] {
  const [wanted, given] = [componentsIn(oracle.stdout), componentsIn(vigil.stdout)]
  return [...wanted].flatMap(([type, stability]): Finding[] => {
    const theirs = given.get(type)
    // Vigil may say more: upstream lists no stability for profiles.
    if (theirs && Object.entries(stability).every(([signal, level]) => theirs[signal] === level)) return []
    const vigilSays = theirs === undefined ? `${type}: not listed` : `${type}: ${JSON.stringify(theirs)}`
    return [{ check: 'output', oracle: `${type}: ${JSON.stringify(stability)}`, vigil: vigilSays }]
  })
}

type Stability = Readonly<Record<string, unknown>>

function componentsIn(stdout: string): Map<string, Stability> {
  const root = parsed(stdout)
  const entries = [...sections, 'providers'].flatMap((section) => {
    const listed = isMap(root) && Array.isArray(root[section]) ? (root[section] as Record<string, unknown>[]) : []
    return listed.map((item): [string, Stability] => [
      `${section}/${String(item['name'] ?? item['scheme'])}`,
      (item['stability'] ?? {}) as Stability,
    ])
  })
  return new Map(entries)
}

/** Of each gate: its stage and whether it is on. Vigil may have more. */
function compareGates(oracle: Outcome, vigil: Outcome): Finding[] {
  const gatesIn = (stdout: string) => stdout.split('\n').map((line) => line.split(/\s+/).slice(0, 3).join(' '))
  const given = new Set(gatesIn(vigil.stdout))
  const missing = gatesIn(oracle.stdout).filter((gate) => gate !== '' && !given.has(gate))
  return missing.map((gate) => ({ check: 'output', oracle: gate, vigil: 'not listed so' }))
}

function compareDocuments(oracle: Outcome, vigil: Outcome): Finding[] {
  if (oracle.exitCode !== vigil.exitCode) return [{ check: 'exit code', oracle: brief(oracle), vigil: brief(vigil) }]
  const [wanted, given] = [flatten(parsed(oracle.stdout)), flatten(parsed(vigil.stdout))]
  const paths = [...new Set([...wanted.keys(), ...given.keys()])].sort()
  return paths
    .filter((path) => wanted.get(path) !== given.get(path))
    .map((path) => ({
      check: 'output',
      oracle: `${path}: ${wanted.get(path) ?? '(absent)'}`,
      vigil: `${path}: ${given.get(path) ?? '(absent)'}`,
    }))
}

/** `a::b::0` to JSON text. Upstream leaves out what is zero, key by key, so that zero and absent mean the same here. */
function flatten(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) flatten(item, `${path}::${index}`, into)
  else if (isMap(value))
    for (const [key, item] of Object.entries(value)) flatten(item, path === '' ? key : `${path}::${key}`, into)
  else if (!zeros.has(value)) into.set(path, JSON.stringify(value))
  return into
}

const zeros = new Set<unknown>([null, undefined, '', 0, false, '0s'])

function parsed(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent' })
  } catch {
    return undefined
  }
}
