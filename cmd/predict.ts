/** `predict`: runs the detectors over a public data set, without its labels, and writes what they said as JSON lines. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import { errorMessage } from '../pipeline/error-message.ts'
import type { CommandContext } from './command.ts'
import { evaluations } from './evaluate/evaluation.ts'
import { datasets } from './predict/dataset.ts'
import { progressBar } from './predict/progress-bar.ts'

interface PredictFlags {
  readonly dataset: string
  readonly output: string
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('predict')
    .description('Runs the detectors over an unlabelled data set and writes what they said, one JSON object a line')
    .argument('<dir>', 'where the data set lies')
    .addOption(
      new Option('--dataset <kind>', 'what kind of data set it is')
        .choices(datasets.map(({ kind }) => kind))
        .makeOptionMandatory(),
    )
    .requiredOption('--output <file>', 'where the lines go')
    .addHelpText(
      'after',
      `\nWhat <dir> holds:\n${datasets.map(({ kind, layout }) => `  ${kind.padEnd(12)}${layout}\n`).join('')}`,
    )
    .action(async (dir: string, flags: PredictFlags) => {
      const lines = await predict(dir, flags, context)
      context.stderr.write(
        `Wrote ${lines} lines to ${flags.output}.${evaluations.some(({ kind }) => kind === flags.dataset) ? ` To see what they are worth: vigil evaluate --dataset ${flags.dataset} --predictions ${flags.output} ${dir}` : ''}\n`,
      )
    })
}

/** Lines are joined to pieces of this size before they are written. */
const pieceLength = 65_536

async function predict(dir: string, { dataset, output }: PredictFlags, { stderr }: CommandContext): Promise<number> {
  const kind = datasets.find((one) => one.kind === dataset)
  if (kind === undefined)
    throw new Error(`there is no data set of kind ${dataset}: ${datasets.map((one) => one.kind).join(', ')}`)
  const file = createWriteStream(output)
  await once(file, 'open').catch((cause: unknown) => {
    throw new Error(`cannot write ${output}: ${errorMessage(cause)}`, { cause })
  })
  let piece = ''
  let lines = 0
  const flush = async () => {
    const isFull = !file.write(piece)
    piece = ''
    if (isFull) await once(file, 'drain')
  }
  try {
    await kind.predict(
      dir,
      (line) => {
        piece += `${JSON.stringify(line)}\n`
        lines++
        return piece.length < pieceLength ? undefined : flush()
      },
      progressBar(stderr, `predict ${dataset}`),
    )
    file.end(piece)
    await finished(file)
  } finally {
    file.destroy()
  }
  return lines
}
