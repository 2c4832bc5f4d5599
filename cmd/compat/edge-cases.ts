/** Hand-picked configurations: every kind of wrong value, YAML's corners, and what `${env:}` can do. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'

interface EdgeCases {
  readonly env: Readonly<Record<string, string>>
  readonly base: string
  readonly cases: readonly EdgeCase[]
}

/** A whole configuration, or `base` with the first `replace` in it replaced. */
type EdgeCase = { readonly name: string } & (
  | { readonly config: string }
  | { readonly replace: string; readonly by: string }
)

/** Also sets the environment variables that they refer to; the Collectors inherit them. */
export async function readEdgeCases(): Promise<{ name: string; text: string }[]> {
  const { env, base, cases } = parse(await readFile(join(import.meta.dirname, 'edge-cases.yaml'), 'utf8')) as EdgeCases
  Object.assign(process.env, env)
  return cases.map((one) => ({
    name: `edge: ${one.name}`,
    text: 'config' in one ? one.config : base.replace(one.replace, () => one.by),
  }))
}
