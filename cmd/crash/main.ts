/** `npm run test:crash -- --items 1000000 --kills 20`: exit code 1 when an acknowledged item is lost. */
import { Command, InvalidArgumentError } from 'commander'
import { crash } from './crash.ts'

const program = new Command('crash')
  .description('Kills a Vigil with a queue on disk again and again, and counts what arrives.')
  .option('--items <n>', 'numbered items to send', count, 1_000_000)
  .option('--kills <n>', 'how often the process is killed', count, 20)
  .option('--seed <n>', 'of the moments and of what is done to the files', count, Date.now() % 1_000_000)
  .option('--fsync', 'acknowledge only what is on the disk itself', false)
program.parse()

const options = program.opts<{ items: number; kills: number; seed: number; fsync: boolean }>()
const say = (line: string) => void process.stdout.write(`${line}\n`)
say(`seed ${options.seed}`)
const { lost, seconds, fullDiskRefusals: _, fullDisk, ...counts } = await crash({ ...options, say })
for (const [name, value] of Object.entries(counts)) say(`${name.padEnd(13)} ${value}`)
say(`full disk     ${fullDisk}`)
say(`lost          ${lost}`)
say(`time          ${seconds.toFixed(1)} s`)
process.exitCode = lost === 0 && counts.acknowledged === options.items ? 0 : 1

function count(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0) throw new InvalidArgumentError('give a whole number.')
  return number
}
