/** Sources to one tree: retrieve, merge, expand `${...}`, unescape `$$`. Throws `ConfigError` with everything that is wrong. */
import { errorMessage } from '../error-message.ts'
import { ConfigError, type ConfigProblem } from './config.ts'
import { expand } from './expand.ts'
import type { FeatureGates } from './feature-gates.ts'
import { merge, splitKeys } from './merge.ts'
import { createProviders, fromText, type Providers, providerSchemes, type Retrieved } from './providers.ts'
import { type ConfigTree, isNull, type MapNode, typeName } from './tree.ts'
import { parseConfigUri, parseSet } from './uri.ts'

export interface LoadOptions {
  /** Each `--config`, in order. */
  readonly uris: readonly string[]
  /** Each `--set`; they win over all of `uris`. */
  readonly sets?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly gates?: FeatureGates
}

export async function loadConfig({
  uris,
  sets = [],
  env = process.env,
  cwd = process.cwd(),
  gates,
}: LoadOptions): Promise<ConfigTree> {
  if (uris.length === 0 && sets.length === 0) throw single('at least one config flag must be provided')
  const providers = createProviders(env, cwd)
  const problems: ConfigProblem[] = []
  const warnings: ConfigProblem[] = []
  let root: MapNode | undefined
  for (const load of [...uris.map((uri) => () => fromUri(uri, providers)), ...sets.map((set) => () => fromSet(set))]) {
    const got = await load().catch((error: unknown) => problems.push(...problemsOf(error)))
    if (typeof got === 'number') continue
    if (got.warning !== undefined) warnings.push({ path: '', message: got.warning, position: undefined })
    const next = asMap(got, problems)
    if (next)
      root =
        root === undefined
          ? splitKeys(next)
          : merge(root, splitKeys(next), { appendLists: gates?.isEnabled('confmap.enableMergeAppendOption') ?? false })
  }
  if (problems.length > 0 || root === undefined) throw new ConfigError(problems)
  const expanded = await expand(root, providers)
  if (expanded.problems.length > 0) throw new ConfigError(expanded.problems)
  return { root: expanded.root, files: [...providers.files], warnings: [...warnings, ...expanded.warnings] }
}

async function fromUri(uri: string, providers: Providers): Promise<Retrieved> {
  const location = parseConfigUri(uri)
  if (location === undefined || !providerSchemes.includes(location.scheme)) {
    throw single(`unsupported scheme on URI "${uri}"; use one of: ${providerSchemes.join(', ')}`)
  }
  try {
    return await providers.retrieve(location)
  } catch (cause) {
    throw single(`cannot retrieve the configuration: ${errorMessage(cause)}`, {
      cause,
    })
  }
}

async function fromSet(set: string): Promise<Retrieved> {
  const yaml = parseSet(set)
  if (yaml !== undefined) return fromText(yaml, '--set')
  throw single(
    `invalid argument "${set}" for "--set" flag: missing equal sign; write it as --set=processors.batch.timeout=2s`,
  )
}

/** An empty source is an empty map. */
function asMap({ node, problems }: Retrieved, all: ConfigProblem[]): MapNode | undefined {
  if (problems.length > 0) {
    all.push(...problems)
    return undefined
  }
  if (node.kind === 'map') return node
  if (isNull(node)) return { kind: 'map', entries: new Map(), position: node.position }
  const message = `retrieved value (type=${typeName(node)}) cannot be used as a Conf; a configuration is a map: receivers, exporters, service, ...`
  all.push({ path: '', message, position: node.position })
  return undefined
}

function single(message: string, options?: ErrorOptions): ConfigError {
  return new ConfigError([{ path: '', message, position: undefined }], options)
}
function problemsOf(error: unknown): readonly ConfigProblem[] {
  if (error instanceof ConfigError) return error.problems
  throw error
}
