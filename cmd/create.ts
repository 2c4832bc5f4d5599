/** `create plugin NAME`: a component of one's own to start from, with its test, README and a config that runs. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { Kind } from '../pipeline/component.ts'
import type { CommandContext } from './command.ts'
import { connector } from './create/connector.ts'
import { exporter } from './create/exporter.ts'
import { extension } from './create/extension.ts'
import { processor } from './create/processor.ts'
import { receiver } from './create/receiver.ts'
import type { Template } from './create/template.ts'

const templates: Readonly<Record<Kind, Template>> = { processor, receiver, exporter, connector, extension }
const kinds = Object.keys(templates) as Kind[]
/** A component type without upstream's capital letters: it is also the name of a file. */
const typePattern = /^[a-z][a-z0-9_]{0,62}$/

export function register(program: Command, context: CommandContext): void {
  const create = program.command('create').description('Writes something to start from')
  create
    .command('plugin')
    .description('Writes a component of your own into a new folder: one file, its test, a README and a config')
    .argument('<name>', 'the type of the component, as the YAML will have it; the folder has this name too')
    .addOption(new Option('--kind <kind>', 'what it is').choices(kinds).default('processor'))
    .action(async (name: string, { kind }: { kind: Kind }) => {
      await refuse(name, kind, context)
      const folder = resolve(name)
      await makeEmpty(folder, name)
      const files = filesOf(name, kind, context.build.command)
      for (const [file, text] of files) await writeFile(join(folder, file), text, { flag: 'wx' })
      context.stdout.write(nextSteps(name, [...files.keys()], context.build.command))
    })
}

async function refuse(name: string, kind: Kind, context: CommandContext): Promise<void> {
  if (!typePattern.test(name)) {
    const near = name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^[^a-z]+/, '')
    const hint = typePattern.test(near) ? `, like ${near}` : ''
    throw new Error(`"${name}" is no component type: write lower-case letters, digits and underscores${hint}`)
  }
  const taken = (await context.catalog([])).find(kind, name)
  if (taken !== undefined)
    throw new Error(`there is a ${kind} "${taken.type}" already (${taken.module}): take another name`)
}

async function makeEmpty(folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new Error(`cannot create the folder ${folder}: ${(cause as Error).message}`, { cause })
  })
  if ((await readdir(folder)).length > 0) {
    throw new Error(`the folder ${name} is there and not empty: take another name, or move it away`)
  }
}

function filesOf(type: string, kind: Kind, command: string): ReadonlyMap<string, string> {
  const { plugin, test, config, does } = templates[kind]
  return new Map([
    [`${type}.ts`, plugin(type)],
    [`${type}.test.ts`, test(type)],
    ['config.yaml', withPlugin(config(type), type)],
    ['README.md', readme(type, kind, does, command)],
  ])
}

function withPlugin(config: string, type: string): string {
  return config.replace('\nservice:\n', `\nservice:\n  plugins: [./${type}.ts]\n`)
}

function readme(type: string, kind: Kind, does: string, command: string): string {
  return `# ${type}

A ${kind} for Vigil. ${does}

\`\`\`sh
${command} plugin test                     # runs ${type}.test.ts
${command} validate --config config.yaml
${command} --config config.yaml
\`\`\`

\`${type}.ts\` needs no package and no build: \`vigil/plugin\` is the engine that runs it. A configuration names it under \`service::plugins\`, relative
to itself; so does \`--plugin\` on the command line. To publish it, put it into an npm package \`vigil-plugin-${type.replaceAll('_', '-')}\` as JavaScript
(Node reads no TypeScript under node_modules) and name the package instead of the file.
`
}

function nextSteps(name: string, files: readonly string[], command: string): string {
  return `Created ${name}: ${files.join(', ')}

Next:
  cd ${name}
  ${command} plugin test
  ${command} --config config.yaml
`
}
