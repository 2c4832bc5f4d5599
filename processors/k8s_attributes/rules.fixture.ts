/** Rules of a config as a user would write it. */
import { config } from './config.ts'
import { compileRules, type Gates, type Rules } from './rules.ts'

const legacy: Gates = { stable: false, legacy: true }

export function rulesOf(extract: object, gates: Partial<Gates> = {}): Rules {
  return compileRules(config.parse({ extract }), { ...legacy, ...gates })
}
