import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Topology } from '../topology/schema.ts'
import type { Scenario } from './schema.ts'
import type { Truth } from './truth.ts'

/** Of the mechanism: it grows when the same scenario and seed no longer give the same world, which `frozen.test.ts` notices. */
export const simulatorVersion = 2

export interface Played {
  readonly topology: Topology
  readonly scenario: Scenario
  readonly seed: number
}

/** What was played: equal hashes are equal worlds, as far as `simulatorVersion` is the same. */
export function hashOf({ topology, scenario, seed }: Played): string {
  return createHash('sha256')
    .update(JSON.stringify([simulatorVersion, topology, scenario, seed]))
    .digest('hex')
    .slice(0, 16)
}

export async function writeTruth(file: string, played: Played, truth: Truth): Promise<void> {
  const { topology, scenario, seed } = played
  const told = {
    simulator: simulatorVersion,
    hash: hashOf(played),
    topology: topology.name,
    scenario: scenario.name,
    seed,
    faults: truth.told(),
    actions: truth.harm.told(),
  }
  await writeFile(file, `${JSON.stringify(told, null, 2)}\n`)
}
