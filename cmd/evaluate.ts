/** `evaluate`: what predictions are worth, beside the labels of a public data set and the baselines. */
import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { errorMessage } from '../pipeline/error-message.ts'
import type { CommandContext } from './command.ts'
import { evaluations } from './evaluate/evaluation.ts'
import { asHtml } from './evaluate/page.ts'
import { readLines } from './evaluate/read-predictions.ts'
import { asJson, asText } from './evaluate/report.ts'
import { progressBar } from './predict/progress-bar.ts'

const formats = { text: asText, json: asJson, html: asHtml } as const

interface EvaluateFlags {
  readonly dataset: string
  readonly predictions: string
  readonly output: keyof typeof formats
  readonly html?: string
}

export function register(program: Command, { stdout, stderr }: CommandContext): void {
  program
    .command('evaluate')
    .description('Compares predictions with the labels of a data set, beside the baselines')
    .argument('<dir>', 'where the data set lies, with its labels')
    .addOption(
      new Option('--dataset <kind>', 'what kind of data set it is')
        .choices(evaluations.map(({ kind }) => kind))
        .makeOptionMandatory(),
    )
    .requiredOption('--predictions <file>', 'what vigil predict wrote')
    .addOption(new Option('--output <format>', 'of the tables').choices(Object.keys(formats)).default('text'))
    .option('--html <file>', 'writes one page with the tables and plots, for a browser')
    .action(async (dir: string, { dataset, predictions, output, html }: EvaluateFlags) => {
      const evaluation = evaluations.find(({ kind }) => kind === dataset)
      if (evaluation === undefined) throw new Error(`there are no labels for ${dataset}`)
      const tables = await evaluation.evaluate(readLines(predictions), dir, progressBar(stderr, `evaluate ${dataset}`))
      stdout.write(formats[output](tables))
      if (html === undefined) return
      await writeFile(html, asHtml(tables)).catch((cause: unknown) => {
        throw new Error(`cannot write ${html}: ${errorMessage(cause)}`, { cause })
      })
      stderr.write(`Wrote the page ${html}.\n`)
    })
}
