/** When a burn of the budget is an alert, and when it no longer is: multi-window burn rates (Google's SRE Workbook, chapter 5). */
import { binomialAtLeast } from '../../models/special-functions.ts'
import type { Severity } from '../../pipeline/vocabulary/event.ts'
import { allowedShare } from './objective.ts'
import type { Burn, Tracker } from './tracker.ts'

export interface Rule {
  readonly burn: number
  readonly longSeconds: number
  readonly shortSeconds: number
  readonly severity: Severity
  readonly wakes: boolean
}

/** What keeps a few requests from being an outage. */
export interface Guard {
  readonly minRequests: number
  /** How improbable so many bad ones must be if the objective were just met. */
  readonly significance: number
}

/** One that is active. */
export interface Alert {
  readonly id: string
  readonly rule: Rule
  /** Start of the slot in which it began. */
  readonly onsetSeconds: number
  readonly onsetUncertainty: number
}

export interface Reading {
  readonly long: Burn
  readonly short: Burn
}

/** An alert ends when it burns at less than this share of what began it, so that a burn about the threshold is one alert and not many. */
const endsBelow = 0.8
/** Beyond so many items the bound is as good as the sum. */
const exactUpTo = 100_000

export function newReading(): Reading {
  const none = (): Burn => ({ burn: 0, ratio: undefined, total: 0, bad: 0, samples: 0 })
  return { long: none(), short: none() }
}

/** The short window first: it is short, and most of the time it answers. */
export function isFiring(tracker: Tracker, rule: Rule, guard: Guard, into: Reading): boolean {
  if (tracker.burn(rule.shortSeconds, into.short).burn < rule.burn) return false
  const { burn, samples } = tracker.burn(rule.longSeconds, into.long)
  if (burn < rule.burn || samples < guard.minRequests) return false
  return isSignificant(into.long, allowedShare(tracker.objective), guard.significance)
}

/** Why an active alert is over: `met`, `silent` (there is nothing left in its window that could say), or undefined while it is not. */
export function endOf(tracker: Tracker, rule: Rule, into: Reading): 'met' | 'silent' | undefined {
  const short = tracker.burn(rule.shortSeconds, into.short)
  const long = tracker.burn(rule.longSeconds, into.long)
  if (long.ratio === undefined) return 'silent'
  // Nothing in the short window is no good news: the alert stays.
  if (short.ratio === undefined) return undefined
  return Math.min(short.burn, long.burn) < endsBelow * rule.burn ? 'met' : undefined
}

/** P(so many bad ones or more of the samples), were the objective just met. */
export function chance({ bad, total, samples }: Burn, allowed: number): number {
  if (total <= 0) return 1
  const n = Math.round(samples)
  const k = Math.min(n, Math.round((bad * samples) / total))
  const bound = chernoff(k, n, allowed)
  return n > exactUpTo ? bound : Math.min(bound, binomialAtLeast(k, n, allowed))
}

function isSignificant(burn: Burn, allowed: number, significance: number): boolean {
  return significance >= 1 || chance(burn, allowed) < significance
}

/** exp(-n KL(k/n || p)) for k/n > p: at least the binomial tail (Chernoff 1952). O(1). */
function chernoff(k: number, n: number, p: number): number {
  const share = k / n
  if (!(share > p)) return 1
  const miss = share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - p))
  return Math.exp(-n * (share * Math.log(share / p) + miss))
}
