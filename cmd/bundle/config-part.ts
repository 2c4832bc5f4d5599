/** The configuration for a support bundle: what runs, what is wrong with it, and the secrets that must not be in the bundle. */
import { ConfigError, describeProblem } from '../../pipeline/config/config.ts'
import { decodeConfig } from '../../pipeline/config/decode.ts'
import { parseFeatureGates } from '../../pipeline/config/feature-gates.ts'
import { loadConfig } from '../../pipeline/config/load.ts'
import { pluginReferences } from '../../pipeline/config/plugin-references.ts'
import { toPlain } from '../../pipeline/config/tree.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import type { CommandContext, ConfigFlags } from '../command.ts'
import { goYaml } from '../go-yaml.ts'
import { printable } from '../print-config.ts'
import type { Scrubber } from './scrubber.ts'
import type { TarFile } from './tar.ts'

/** Teaches the scrubber every secret on the way. The texts it gives are not scrubbed as a whole yet. */
export async function configPart(
  flags: ConfigFlags,
  context: CommandContext,
  scrubber: Scrubber,
): Promise<readonly TarFile[]> {
  if (flags.config.length === 0 && flags.set.length === 0) return []
  const env = watchedEnvironment(context.env, scrubber)
  const problems: string[] = []
  const files: TarFile[] = []
  try {
    const gates = parseFeatureGates(flags.featureGates)
    const tree = await loadConfig({ uris: flags.config, sets: flags.set, env, gates })
    // Whatever is wrong with it later: what stands below a name that promises a secret is known from here on.
    const written = toPlain(tree.root)
    scrubber.learn(written, written)
    const catalog = await context.catalog(flags.plugin, pluginReferences(tree.root), tree.files)
    const config = await decodeConfig(tree, catalog, { gates })
    const shown = printable(config, { isRedacted: true })
    scrubber.learn(printable(config, { isRedacted: false }), shown)
    files.push({ name: 'config.yaml', text: `${goYaml(scrubber.value(shown), { areKeysSorted: true })}\n` })
    problems.push(...config.warnings.map((warning) => `warning: ${describeProblem(warning)}`))
    await context.checkGraph(config)
  } catch (error) {
    if (error instanceof ConfigError) problems.push(...error.problems.map(describeProblem))
    else problems.push(errorMessage(error))
  }
  const text = problems.length === 0 ? 'none\n' : problems.map((problem) => `${problem}\n`).join('')
  return [...files, { name: 'problems.txt', text }]
}

/** What a configuration takes from the environment is its writer's to keep or tell. */
function watchedEnvironment(env: CommandContext['env'], scrubber: Scrubber): CommandContext['env'] {
  return new Proxy(env, {
    get(target, name) {
      const value = typeof name === 'string' ? target[name] : undefined
      if (value !== undefined) scrubber.add(value, `[REDACTED env:${String(name)}]`)
      return value
    },
  })
}
