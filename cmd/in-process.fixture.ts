/** Command lines in the process of a test: what each wrote, and its exit code. */
import { Command } from 'commander'
import { type CommandContext, execute } from './command.ts'
import { main } from './program.ts'

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}
type Streams = Pick<CommandContext, 'stdout' | 'stderr'>

/** The whole program. */
export function runProgram(argv: readonly string[], env: CommandContext['env'] = {}): Promise<Ended> {
  return recorded((streams) => main(argv, { ...streams, env }))
}

/** A program of these commands alone. It has no component unless `changes` bring a catalog. */
export function runCommands(
  registers: readonly ((program: Command, context: CommandContext) => void)[],
  argv: readonly string[],
  changes: Partial<CommandContext> = {},
): Promise<Ended> {
  return recorded((streams) => {
    const context: CommandContext = {
      ...streams,
      build: { command: 'vigil', description: 'Vigil', version: '0.1.0' },
      env: {},
      catalog: () => Promise.reject(new Error('no command here needs a catalog')),
      checkGraph: () => {},
      ...changes,
    }
    const program = new Command('vigil').action(() => {})
    for (const register of registers) register(program, context)
    return execute(program, argv, context)
  })
}

async function recorded(run: (streams: Streams) => Promise<number>): Promise<Ended> {
  let [stdout, stderr] = ['', '']
  const code = await run({
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  })
  return { code, stdout, stderr }
}
