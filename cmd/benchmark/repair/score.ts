/** The figures of one who acts over all incidents of a set, with their 95 % intervals over incidents. */
import { Random } from '../../simulate/world/random.ts'
import { bootstrap, type Interval, mean, medianSurvival } from '../statistics.ts'
import type { Repair } from './repairs.ts'

export interface RepairScore {
  readonly who: string
  readonly incidents: number
  /** Of all incidents, silent ones too: something was done. */
  readonly attempted: Interval
  /** The right thing at the right place, and users got better, if there was anything to feel for them. */
  readonly correct: Interval
  /** Not right, and no worse than doing nothing. */
  readonly harmlessWrong: Interval
  /** Users got clearly worse than when nothing is done. */
  readonly harmful: Interval
  /** Of the users' minutes that the faults cost when nothing is done; negative where acting cost more than it saved. */
  readonly recovered: Interval
  /** The same against what the oracle recovers. */
  readonly recoveredOfOracle: Interval
  readonly minutesRecovered: number
  readonly minutesLost: number
  /** Users' minutes that were good when nothing is done and bad because of what was done, by incident. */
  readonly goodputLost: Interval
  /** Minutes until users feel nothing any more, of incidents that they feel when nothing is done: the median by Kaplan and Meier. */
  readonly minutesToRepair: Interval
  /** What is done on quiet days, where everything is wrong, by day. It was counted, not played. */
  readonly quietActions: number
}

/** One incident: who acts, and beside it doing nothing and the oracle. */
export interface Acted {
  readonly own: Repair
  readonly nothing: Repair
  readonly oracle: Repair
}

export function repairScoreOf(who: string, acted: readonly Acted[], quietActions: number): RepairScore {
  const chance = new Random(1, `bootstrap of repairs by ${who}`)
  const over = (measure: (sample: readonly Acted[]) => number, items = acted) =>
    bootstrap(items, measure, { random: () => chance.next() })
  const share = (is: (repair: Repair) => boolean) => over((sample) => mean(sample.map(({ own }) => (is(own) ? 1 : 0))))
  const total = (sample: readonly Acted[], of: (one: Acted) => number) => sample.reduce((sum, one) => sum + of(one), 0)
  const ratio = (of: (one: Acted) => number) => (sample: readonly Acted[]) => {
    const all = total(sample, of)
    return all <= 0 ? Number.NaN : total(sample, ({ own }) => own.recovered) / all
  }
  return {
    who,
    incidents: acted.length,
    attempted: share(isAttempt),
    correct: share(isCorrect),
    harmlessWrong: share((one) => isAttempt(one) && !isCorrect(one) && !one.isWorse),
    harmful: share((one) => one.isWorse),
    recovered: over(ratio(({ nothing }) => nothing.lost)),
    recoveredOfOracle: over(ratio(({ oracle }) => oracle.recovered)),
    minutesRecovered: total(acted, ({ own }) => own.recovered),
    minutesLost: total(acted, ({ nothing }) => nothing.lost),
    goodputLost: over((sample) => mean(sample.map(({ own }) => own.harm))),
    minutesToRepair: over(
      (sample) =>
        medianSurvival(
          sample.map(({ own: { impactMs = 0, isImpactOver } }) => ({
            time: impactMs / 60_000,
            isObserved: isImpactOver,
          })),
        ),
      acted.filter(({ nothing }) => nothing.impactMs !== undefined),
    ),
    quietActions,
  }
}

function isAttempt({ done }: Repair): boolean {
  return done.length > 0
}

function isCorrect(repair: Repair): boolean {
  const { isRight, isWorse, isBetter, isSilent, lost } = repair
  return isAttempt(repair) && isRight && !isWorse && (isBetter || isSilent || lost === 0)
}
