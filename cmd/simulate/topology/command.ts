/** `simulate topology`: makes a topology by size, depth and seed. */
import { type Command, InvalidArgumentError } from 'commander'
import type { CommandContext } from '../../command.ts'
import { type GeneratedSize, generateTopology } from './generate.ts'
import { printTopology } from './print.ts'

export function registerTopology(simulate: Command, context: CommandContext): void {
  simulate
    .command('topology')
    .description('Makes a topology and prints its YAML: services in layers, databases, caches, queues, partners')
    .option('--services <n>', 'how many services have an agent', integer(8, 120), 25)
    .option('--depth <n>', 'how many services a request passes one below the other', integer(2, 8), 5)
    .option('--seed <n>', 'the same seed gives the same topology', integer(0, 0xffff_ffff), 1)
    .option('--rate <n>', 'requests of users a second', integer(1, 100_000), 40)
    .action((size: GeneratedSize) => {
      context.stdout.write(madeYaml(size))
    })
}

export function madeYaml(size: GeneratedSize): string {
  const { services, depth, seed, rate } = size
  const comment = [
    `${services} services up to ${depth} deep. Made, not written:`,
    `vigil simulate topology --services ${services} --depth ${depth} --seed ${seed} --rate ${rate}`,
  ]
  return printTopology(generateTopology(size), comment.join('\n'))
}

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    return value
  }
}
