/** `plugin test`: runs the tests of a plugin, wherever it lies; Node's own test runner, which knows `vigil/plugin` and `vigil/testing`. */
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Command } from 'commander'
import type { CommandContext, Output } from './command.ts'

const registration = new URL('../pipeline/engine/register.ts', import.meta.url).href

export function register(program: Command, context: CommandContext): void {
  const plugin = program.command('plugin').description('Works on components of your own')
  plugin
    .command('test')
    .description('Runs the tests of a plugin with the test tools of Vigil (vigil/testing)')
    .argument('[paths...]', 'test files, or folders to look for *.test.ts in; the current folder if absent')
    .action(async (paths: readonly string[]) => {
      const code = await runTests(paths.map(patternOf), context)
      if (code !== 0) throw new Error('the tests of the plugin failed: see above')
    })
}

function patternOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined)
    throw new Error(`there is no file or folder ${path}: name a test file, or the folder of the plugin`)
  return found.isDirectory() ? `${path.replace(/\/$/, '')}/**/*.test.{ts,mts,js,mjs}` : path
}

async function runTests(patterns: readonly string[], { stdout, stderr, env }: CommandContext): Promise<number | null> {
  // A runner that was started by another one would report to that and run nothing.
  const { NODE_TEST_CONTEXT: _, ...own } = env
  const child = spawn(process.execPath, ['--import', registration, '--test', ...patterns], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: own,
  })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject)
  child.on('close', resolve)
  pipe(child.stdout, stdout)
  pipe(child.stderr, stderr)
  return promise
}

function pipe(from: NodeJS.ReadableStream, to: Output): void {
  from.setEncoding('utf8')
  from.on('data', (text: string) => void to.write(text))
}
