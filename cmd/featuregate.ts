/** `featuregate [id]`: the gates there are, in upstream's table, or one of them. */
import type { Command } from 'commander'
import { type GateState, parseFeatureGates } from '../pipeline/config/feature-gates.ts'
import type { CommandContext } from './command.ts'

export function register(program: Command, { stdout }: CommandContext): void {
  program
    .command('featuregate')
    .argument('[id]')
    .description('Display feature gates information')
    .action((id: string | undefined) => {
      const gates = parseFeatureGates([])
      if (id === undefined) {
        stdout.write(table(gates.all()))
        return
      }
      const gate = gates.find(id)
      if (gate === undefined) throw new Error(`feature "${id}" not found`)
      stdout.write(card(gate))
    })
}

function table(gates: readonly GateState[]): string {
  const rows = [
    ['ID', 'Enabled', 'Stage', 'Description'],
    ...gates.map((gate) => [gate.id, String(gate.enabled), gate.stage, gate.description]),
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)) + 2)
  return rows.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('')}\n`).join('')
}

/** A gate with no last version prints `v<nil>` in Go. */
function card({ id, enabled, stage, description, fromVersion, toVersion = 'v<nil>' }: GateState): string {
  return [
    `Feature: ${id}`,
    `Enabled: ${enabled}`,
    `Stage: ${stage}`,
    `Description: ${description}`,
    `From Version: ${fromVersion}`,
    `To Version: ${toVersion}`,
    '',
  ].join('\n')
}
