/** `bundle`: one file for whoever helps, with what this Vigil is, its configuration and its state, and without secrets. */
import { writeFile } from 'node:fs/promises'
import { availableParallelism, release, totalmem, type, version } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Command } from 'commander'
import type { Kind } from '../pipeline/component.ts'
import { configPart } from './bundle/config-part.ts'
import { instancePart } from './bundle/instance-part.ts'
import { Scrubber } from './bundle/scrubber.ts'
import { type TarFile, tarGz } from './bundle/tar.ts'
import { type CommandContext, type ConfigFlags, withConfigFlags } from './command.ts'

interface BundleFlags extends ConfigFlags {
  readonly url: readonly string[]
  readonly file?: string
}

const kinds: readonly Kind[] = ['receiver', 'processor', 'exporter', 'connector', 'extension']
const many = (value: string, before: readonly string[]) => [...before, value]

export function register(program: Command, context: CommandContext): void {
  withConfigFlags(
    program.command('bundle').description('Writes one file for support: versions, configuration and state, no secrets'),
  )
    .option('--url <url>', 'metrics or zpages of a running instance, like http://localhost:8888', many, [])
    .option('--file <path>', 'where to write it; vigil-bundle-<time>.tar.gz if absent')
    .action(async (flags: BundleFlags) => {
      const now = new Date()
      const files = await collect(flags, context)
      const path = flags.file ?? `vigil-bundle-${now.toISOString().replace(/[-:]|\.\d+/g, '')}.tar.gz`
      // Nobody else's to read, whatever the umask says, and nothing is overwritten.
      await writeFile(path, tarGz(files, Math.floor(now.getTime() / 1_000)), { mode: 0o600, flag: 'wx' })
      const names = files.map(({ name }) => `  ${name}\n`).join('')
      context.stdout.write(`Wrote ${path}:\n${names}Secrets are taken out; look through it before you send it.\n`)
    })
}

async function collect(flags: BundleFlags, context: CommandContext): Promise<readonly TarFile[]> {
  const scrubber = new Scrubber()
  const config = await configPart(flags, context, scrubber)
  const instance = await instancePart(flags.url)
  const files = [
    { name: 'about.json', text: `${JSON.stringify(about(context), null, 2)}\n` },
    { name: 'components.txt', text: await components(context) },
    ...config,
    ...instance,
  ]
  // Last, when every secret is known.
  return files.map(({ name, text }) => ({ name: `vigil-bundle/${name}`, text: scrubber.text(text) }))
}

function about({ build }: CommandContext): object {
  return {
    build,
    node: process.versions,
    nodeFlags: process.execArgv,
    platform: { type: type(), release: release(), version: version(), arch: process.arch },
    cpus: availableParallelism(),
    memory: {
      totalBytes: totalmem(),
      constrainedBytes: process.constrainedMemory(),
      heapLimitBytes: getHeapStatistics().heap_size_limit,
    },
    time: new Date().toISOString(),
  }
}

async function components(context: CommandContext): Promise<string> {
  const catalog = await context.catalog([])
  return kinds
    .flatMap((kind) =>
      catalog.entries(kind).map(({ type: name, aliases }) => `${kind} ${[name, ...aliases].join(', ')}\n`),
    )
    .join('')
}
