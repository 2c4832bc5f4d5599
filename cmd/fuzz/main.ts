/** `npm run fuzz`: hostile input by the million, the same for the same seed. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Outcome, runCampaign } from './campaign.ts'
import { corpusFolder } from './corpus.ts'
import { type TargetName, targetNames } from './target.ts'

interface Flags {
  readonly target: TargetName | 'all'
  readonly cases: number
  readonly seconds: number
  readonly seed: number
  readonly corpus: string
  readonly output: 'text' | 'json'
}

const whole = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 0x7fff_ffff)
    throw new InvalidArgumentError('It must be 1 or more.')
  return value
}
const { target, cases, seconds, seed, corpus, output } = new Command('fuzz')
  .description('Attacks the readers and the servers with damaged input; exit code 1 when something did not hold')
  .addOption(new Option('--target <name>').choices([...targetNames, 'all']).default('all'))
  .option('--cases <n>', 'at most, for each target', whole, 100_000)
  .option('--seconds <n>', 'at most, for each target', whole, 60)
  .option('--seed <n>', 'equal seeds give equal inputs, as long as the corpus is the same', whole, 1)
  .option('--corpus <folder>', 'where inputs to start from lie and finds go', corpusFolder)
  .addOption(new Option('--output <format>').choices(['text', 'json']).default('text'))
  .parse()
  .opts<Flags>()

const say = (text: string) => void process.stderr.write(`${text}\n`)
const outcomes: Outcome[] = []
for (const name of target === 'all' ? targetNames : [target]) {
  const outcome = await runCampaign({ target: name, cases, seconds, seed, folder: corpus }, say)
  outcomes.push(outcome)
  if (output === 'text') process.stdout.write(`${lineOf(outcome)}\n`)
}
if (output === 'json') process.stdout.write(`${JSON.stringify(outcomes)}\n`)
if (outcomes.some(({ finds }) => finds.length > 0)) process.exitCode = 1

function lineOf({
  target: name,
  cases: done,
  accepted,
  seconds: took,
  casesPerCpuSecond,
  slowestMs,
  heapGrowthBytes,
  finds,
}: Outcome): string {
  const share = Math.round((100 * accepted) / Math.max(1, done))
  return `${name.padEnd(11)} ${done} cases in ${took.toFixed(1)} s, ${casesPerCpuSecond} per CPU second, ${share} % accepted, slowest ${slowestMs} ms, heap ${heapGrowthBytes >> 20} MiB more, ${finds.length} finds`
}
