/** What the components of a Collector take. */
import { parse } from 'yaml'
import { isMap, sections } from './corpus.ts'
import type { Program } from './program.ts'

export interface Ability {
  /** As this Collector spells it. */
  readonly type: string
  /** `traces`, or `traces-to-metrics` of a connector. */
  readonly takes: readonly string[]
}

/** By section and plain type: `processors/groupbyattrs`. */
export type Abilities = ReadonlyMap<string, Ability>

/** Upstream drops the underscores of some types in some versions. */
export function plain(type: string): string {
  return type.replaceAll('_', '')
}

export async function abilities(program: Program, folder: string): Promise<Abilities> {
  const { stdout } = await program.run(['components'], folder)
  const listed: unknown = parse(stdout)
  return new Map(
    sections.flatMap((section) => {
      const entries = isMap(listed) && Array.isArray(listed[section]) ? (listed[section] as Listed[]) : []
      return entries.map(({ name: type, stability = {} }): [string, Ability] => {
        const takes = Object.keys(stability).filter((pair) => stability[pair] !== 'Undefined')
        return [`${section}/${plain(type)}`, { type, takes }]
      })
    }),
  )
}

interface Listed {
  readonly name: string
  readonly stability?: Readonly<Record<string, string>>
}
