/** A process that has Vigil loaded and runs one command line per message: node's start costs more than a validation. */
import { main } from '../program.ts'
import type { Outcome } from './program.ts'

export interface Order {
  readonly args: readonly string[]
  readonly folder: string
}

process.on('message', (order: Order) => {
  carryOut(order).then(
    (outcome) => process.send?.(outcome),
    // As node itself would print it, so that it counts as the crash that it is.
    (error: Error) =>
      process.send?.({ exitCode: 1, stdout: '', stderr: `${error.stack}\n\nNode.js ${process.version}\n` }),
  )
})

async function carryOut({ args, folder }: Order): Promise<Outcome> {
  process.chdir(folder)
  const text = { stdout: '', stderr: '' }
  const into = (stream: keyof typeof text) => ({ write: (more: string) => void (text[stream] += more) })
  const exitCode = await main(args, { stdout: into('stdout'), stderr: into('stderr'), env: process.env })
  return { exitCode, ...text }
}
