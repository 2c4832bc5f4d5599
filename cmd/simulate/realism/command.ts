/** `simulate realism`: how much a topology's telemetry is like that of real systems. */
import { type Command, InvalidArgumentError } from 'commander'
import type { CommandContext } from '../../command.ts'
import { readTopology } from '../topology/read.ts'
import { measureRealism } from './measure.ts'
import { printFindings } from './print.ts'

interface RealismFlags {
  readonly seed: number
  readonly seconds: number
  readonly injections: number
  readonly worlds: number
}

export function registerRealism(simulate: Command, context: CommandContext): void {
  simulate
    .command('realism')
    .description('Plays a topology and compares its telemetry with what was observed on real systems')
    .argument('<topology>', 'a YAML file; examples/topologies has some')
    .option('--seed <n>', 'the same seed gives the same world', integer(0), 1)
    .option('--seconds <n>', 'how much of each quiet world is looked at', integer(40), 300)
    .option('--worlds <n>', 'quiet worlds of seeds one after the other; their median counts', integer(1), 3)
    .option('--injections <n>', 'faults that are injected one after the other; 0 = none', integer(0), 20)
    .action(async (file: string, flags: RealismFlags) => {
      context.stdout.write(printFindings(measureRealism({ topology: await readTopology(file), ...flags })))
    })
}

function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > 0xffff_ffff)
      throw new InvalidArgumentError(`It must be a whole number from ${least}.`)
    return value
  }
}
