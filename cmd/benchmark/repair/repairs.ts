/** What acting on an incident was worth: the same world with and without it. */
import type { FaultTruth } from '../../simulate/scenario/truth.ts'
import { Random } from '../../simulate/world/random.ts'
import type { Run } from '../scenario-set.ts'
import type { Incident, Known } from '../subject.ts'
import { detectionMs, oracle } from './oracle.ts'
import { type Policy, planOf } from './policies.ts'
import { type Planned, type Replayed, replay } from './replay.ts'

/** How long people take from a page to the right repair. An assumption. */
export const human = { medianMs: 15 * 60_000, sigma: 0.7 } as const
const paneMs = 60_000
const impactPanes = 3
/** Two worlds that differ in chance alone differ by less than so many deviations of a Poisson count. */
const deviations = 4

export const nobody = 'nothing is done'
export const everybody = 'oracle'
export const somebody = 'a human who knows'

/** Of one incident and one who acts. A request is a user's minute: users are taken to make one a minute. */
export interface Repair {
  readonly done: readonly string[]
  readonly refused: number
  /** Something of what was done is what the truth names, at the place that it names. */
  readonly isRight: boolean
  /** Bad requests beyond those of the same world without the fault, when nothing is done. */
  readonly lost: number
  /** How many of them fewer there are with what was done; negative where there are more. */
  readonly recovered: number
  /** Bad requests that were good when nothing is done, in minutes in which that is clear. */
  readonly harm: number
  /** More than chance makes of it, over all. */
  readonly isBetter: boolean
  readonly isWorse: boolean
  /** From the first to the last clear impact on users; undefined where there was none. */
  readonly impactMs: number | undefined
  readonly isImpactOver: boolean
  readonly isSilent: boolean
}

export interface ActingOn {
  readonly run: Run
  readonly faults: readonly FaultTruth[]
  readonly known: Known
  /** By detector. */
  readonly incidents: (detector: string) => readonly Incident[]
  readonly signal: AbortSignal
}

export async function repairsOf(
  { run, faults, known, incidents, signal }: ActingOn,
  policies: readonly Policy[],
): Promise<Readonly<Record<string, Repair>>> {
  const again = async (plan: readonly Planned[], isFaulty = true) => {
    // Each takes seconds: who wants to interrupt is heard in between.
    await new Promise((resolve) => setImmediate(resolve))
    if (signal.aborted) throw new Error('interrupted')
    return replay(run, plan, { isFaulty })
  }
  const healthy = await again([], false)
  const without = await again([])
  const chance = new Random(run.seed, 'human')
  const humanMs = detectionMs + chance.logNormal(human.medianMs, human.sigma)
  const seen = (policy: Policy) =>
    // Beyond that, the world that alarmed and the one that is played again are no longer the same.
    incidents(policy.detector).filter(({ openMs }) => openMs <= lastMs(run))
  const plans: readonly (readonly [name: string, plan: readonly Planned[]])[] = [
    [everybody, oracle(run, faults, detectionMs)],
    [somebody, oracle(run, faults, humanMs)],
    ...policies.map((policy) => [policy.name, planOf(policy, run.topology, seen(policy), known)] as const),
  ]
  const all: Record<string, Repair> = { [nobody]: compare(run, { healthy, without, played: without }) }
  for (const [name, plan] of plans) {
    const played = plan.length === 0 ? without : await again(plan)
    all[name] = compare(run, { healthy, without, played })
  }
  return all
}

/** When the first fault was taken back in the world that alarmed. */
function lastMs({ scenario }: Run): number {
  const ends = scenario.events.flatMap(({ at, for: length, fault }) =>
    fault === undefined ? [] : [at + (length ?? scenario.duration)],
  )
  return Math.min(scenario.duration, ...ends)
}

interface Worlds {
  readonly healthy: Replayed
  readonly without: Replayed
  readonly played: Replayed
}

function compare(run: Run, { healthy, without, played }: Worlds): Repair {
  const from = Math.floor(run.warmUpMs / paneMs)
  const before = sum(without.bad, from)
  const after = sum(played.bad, from)
  let harm = 0
  for (let i = from; i < without.bad.length; i++) {
    const more = played.bad[i]! - without.bad[i]!
    if (more > deviations * Math.sqrt(without.bad[i]! + 1)) harm += more
  }
  const clear = deviations * Math.sqrt(before + 1)
  const impact = impactOf(healthy, played, from)
  const { done, refused } = played
  const right = without.faults.flatMap(({ repairs }) => repairs.map(({ action, target }) => `${action} ${target}`))
  return {
    done,
    refused,
    isRight: done.some((one) => right.includes(one)),
    lost: Math.max(0, before - sum(healthy.bad, from)),
    recovered: before - after,
    harm,
    isBetter: before - after > clear,
    isWorse: after - before > clear,
    impactMs: impact === undefined ? undefined : (impact.to - impact.from) * paneMs,
    isImpactOver: impact === undefined || impact.to < played.bad.length,
    isSilent: without.faults.every(({ isSilent }) => isSilent),
  }
}

/** The minutes from the first to the last three in which users clearly got worse than in the world without the fault. */
function impactOf(
  healthy: Replayed,
  played: Replayed,
  first: number,
): { readonly from: number; readonly to: number } | undefined {
  let [from, to] = [-1, -1]
  for (let i = first; i + impactPanes <= played.bad.length; i++) {
    const usual = sum(healthy.bad, i, i + impactPanes)
    if (sum(played.bad, i, i + impactPanes) - usual <= deviations * Math.sqrt(usual + 1)) continue
    // In those three it may have begun late, and ended early.
    while (from < 0 && played.bad[i]! <= healthy.bad[i]!) i++
    if (from < 0) from = i
    to = i + impactPanes
    while (to - 1 > i && played.bad[to - 1]! <= healthy.bad[to - 1]!) to--
  }
  return from < 0 ? undefined : { from, to }
}

function sum(values: readonly number[], from: number, to = values.length): number {
  let all = 0
  for (let i = Math.max(0, from); i < Math.min(to, values.length); i++) all += values[i]!
  return all
}
