/** Suite `mutations`: valid configurations broken in one place; the oracle decides whether that is a mistake, Vigil must say where it is. */
import { type ValidConfig, validateBoth } from './configs.ts'
import { type Mutation, mutate } from './mutate.ts'
import { inParallel } from './program.ts'
import { type Contest, isWanted, name, type SuiteResult } from './suite.ts'
import { compareVerdicts } from './verdict.ts'

const suite = 'mutations'
const lanes = 2

export async function compareMutations(contest: Contest, bases: readonly ValidConfig[]): Promise<SuiteResult> {
  const cases = unlikeOnes(bases).filter((one) => isWanted(one.name, contest))
  contest.say(`${cases.length} mutations of ${bases.length} valid configurations`)
  let refused = 0
  const found = await inParallel(cases, lanes, async ({ name: title, mutation }, lane) => {
    const [oracle, subject] = await validateBoth(contest, mutation.text, lane)
    if (oracle.exitCode !== 0) refused++
    return name(suite, title, compareVerdicts(oracle, subject, contest.subject, mutation.places), mutation.text)
  })
  const notes = [`the oracle refused ${refused} of ${cases.length} mutations`]
  return { suite, cases: cases.length, disagreements: found.flat(), skipped: [], notes }
}

interface Case {
  readonly name: string
  readonly mutation: Mutation
}

/** The same mistake under the same key teaches nothing twice, whatever file it is made in. */
function unlikeOnes(bases: readonly ValidConfig[]): Case[] {
  const cases = new Map<string, Case>()
  for (const base of bases) {
    const inBase = new Map<string, number>()
    for (const mutation of mutate(base.text)) {
      const what = `${mutation.kind}: ${mutation.path}`
      const variant = (inBase.get(what) ?? 0) + 1
      inBase.set(what, variant)
      const key = `${what} #${variant}`
      // Two variants: `wrong type` and `bad duration` put different values at the same key.
      if (variant <= 2 && !cases.has(key)) cases.set(key, { name: `${key} (${base.name})`, mutation })
    }
  }
  return [...cases.values()]
}
