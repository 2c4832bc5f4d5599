/** `npm run compat`: compares Vigil with the real Collector. Exit 1 on a disagreement that known.ts does not list, 2 where it cannot run. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareAnswers } from './answers.ts'
import { compareCli } from './cli.ts'
import { compareComponents } from './components.ts'
import { compareConfigs } from './configs.ts'
import { compareMutations } from './mutations.ts'
import { findContribOracle, findOracle, NoOracle } from './oracle.ts'
import { compareOutputs } from './outputs.ts'
import { realCollector, vigil } from './program.ts'
import { asJson, asText, sortOut } from './report.ts'
import type { Contest, SuiteResult } from './suite.ts'
import { compareTransforms } from './transforms.ts'

const suites = ['configs', 'mutations', 'outputs', 'answers', 'cli', 'components', 'transforms'] as const
const help = `Compares Vigil with the real OpenTelemetry Collector, which it builds once with Go.

  --only SUITE        ${suites.join(', ')}; may be repeated
  --filter TEXT       only cases whose name contains TEXT
  --output json       everything, for programs
  --subject oracle    compare the real Collector with itself: tests this command

  VIGIL_ORACLE=FILE         an otelcol to compare with, instead of building one
  VIGIL_CONTRIB_ORACLE=FILE one with the contrib components, for components and transforms
  VIGIL_ORACLE_CACHE=FOLDER where built ones are kept (node_modules/.cache/vigil-oracle)
  VIGIL_SHARED=FOLDER       where corpus/configs is (../shared)`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [...suites] },
      filter: { type: 'string' },
      output: { type: 'string', default: 'text' },
      subject: { type: 'string', default: 'vigil' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const only = new Set(values.only.flatMap((text) => text.split(',')))
  const unknown = [...only].filter((name) => !suites.some((suite) => suite === name))
  if (unknown.length > 0) throw new NoOracle(`no suite called ${unknown.join(', ')}; there are ${suites.join(', ')}`)
  const say = (line: string) => console.error(line)
  const binaries = await findOracle(say)
  const oracle = realCollector(binaries.otelcol)
  const subject = values.subject === 'oracle' ? realCollector(binaries.otelcol) : await vigil()
  if (!subject) throw new NoOracle('There is no cmd/main.ts yet to compare. Try --subject oracle.')
  const { exitCode, stderr } = await subject.run(['components'], tmpdir())
  if (exitCode !== 0) throw new NoOracle(`${subject.name} does not even start: ${stderr.slice(0, 1500)}`)
  const work = await mkdtemp(join(tmpdir(), 'vigil-compat-'))
  try {
    const results = await compare({ oracle, subject, binaries, work, filter: values.filter, say }, only)
    console.log(values.output === 'json' ? asJson(results, subject.name) : asText(results))
    return sortOut(results).open.length === 0 ? 0 : 1
  } finally {
    subject.close()
    await rm(work, { recursive: true, force: true })
  }
}

async function compare(contest: Contest, only: ReadonlySet<string>): Promise<SuiteResult[]> {
  const results: SuiteResult[] = []
  if (only.has('configs') || only.has('mutations')) {
    // Mutations start from what is valid, so a filter on them must not narrow the configurations they start from.
    const all = only.has('configs') ? contest : { ...contest, filter: undefined }
    const { result, valid } = await compareConfigs(all)
    if (only.has('configs')) results.push(result)
    if (only.has('mutations')) results.push(await compareMutations(contest, valid))
  }
  if (only.has('outputs')) results.push(await compareOutputs(contest))
  if (only.has('answers')) results.push(await compareAnswers(contest))
  if (only.has('cli')) results.push(await compareCli(contest))
  if (only.has('components') || only.has('transforms')) {
    const contrib = realCollector(await findContribOracle(contest.say))
    if (only.has('components')) results.push(await compareComponents(contest, contrib))
    if (only.has('transforms')) results.push(await compareTransforms(contest, contrib))
  }
  return results
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof NoOracle)) throw error
  console.error(error.message)
  process.exitCode = 2
}
