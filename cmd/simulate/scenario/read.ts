import { readFile } from 'node:fs/promises'
import { type Problem, parseChecked } from '../topology/parse-checked.ts'
import { type Scenario, scenario } from './schema.ts'

export async function readScenario(file: string): Promise<Scenario> {
  return parseScenario(await readFile(file, 'utf8'), file)
}

/** Throws a `ConfigError`. */
export function parseScenario(text: string, source: string): Scenario {
  return parseChecked(text, source, scenario, tooLate)
}

/** Nothing happens. */
export const quiet: Scenario = parseScenario('{ name: quiet, duration: 10m }', 'quiet')

function* tooLate({ events, duration, start }: Scenario): Iterable<Problem> {
  if (start !== undefined && Number.isNaN(Date.parse(start)))
    yield [['start'], `${start} is no time; write it as 2026-11-21T10:00:00Z`]
  for (const [i, { at }] of events.entries()) {
    if (at >= duration) yield [['events', i, 'at'], 'it would happen after the end of the scenario']
  }
}
