/** What happened, as people say it. */

import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { amount } from '../../pipeline/vocabulary/natural-units.ts'
import type { Alert, Reading } from './alert.ts'
import { allowedShare, type Objective } from './objective.ts'
import type { Burn, Tracker } from './tracker.ts'

/** `1h`, `5m`, `3d`: as windows are written in a config. */
export function windowName(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'm'],
  ] as const
  const unit = units.find(([size]) => seconds % size === 0)
  return unit === undefined ? `${seconds}s` : `${seconds / unit[0]}${unit[1]}`
}

export function activeText(tracker: Tracker, { rule }: Alert, { long, short }: Reading, budgetLeft: number): string {
  const { objective } = tracker
  const pace = amount(Math.min(long.burn, short.burn), '')
  const may = amount(allowedShare(objective), '1')
  return (
    `${entityLabel(tracker.entity)} spends its error budget ${pace.trim()} times as fast as it may: ` +
    `${shareOf(long, objective)} in the last ${amount(rule.longSeconds, 's')}${known(tracker, rule.longSeconds)}, ${amount(short.ratio ?? 0, '1')} in the last ` +
    `${amount(rule.shortSeconds, 's')}, where ${may} may (${objective.name}: ${amount(objective.target, '1')} good over ` +
    `${amount(objective.windowSeconds, 's')}). ${budgetWords(budgetLeft, long.burn, objective)}.`
  )
}

export function endText(
  tracker: Tracker,
  state: 'met' | 'silent' | 'withdrawn',
  { rule }: Alert,
  { short }: Reading,
  budgetLeft: number,
): string {
  const { objective, entity } = tracker
  const of = `${entityLabel(entity)} (${objective.name})`
  if (state === 'withdrawn') return `${of} is no longer watched for this: its objective or its rule was taken out.`
  if (state === 'silent')
    return `${of} had nothing to count for ${amount(rule.longSeconds, 's')}: whether it is well is not known, only that no budget is spent.`
  return (
    `${of} spends its error budget no longer so fast: ${shareOf(short, objective)} in the last ` +
    `${amount(rule.shortSeconds, 's')}; ${left(budgetLeft)}.`
  )
}

/** Of a window that is longer than its data: what was before counts as free of errors. */
function known(tracker: Tracker, windowSeconds: number): string {
  const covered = tracker.covered(windowSeconds)
  return covered > 0.95 ? '' : ` (of which ${amount(covered * windowSeconds, 's')} are known)`
}

function shareOf({ ratio, total }: Burn, { noun, badWords }: Objective): string {
  return `${amount(ratio ?? 0, '1')} of ${amount(total, `{${noun}}`)} ${badWords}`
}

function budgetWords(budgetLeft: number, burn: number, { windowSeconds }: Objective): string {
  if (budgetLeft <= 0) return `The budget is overspent: ${amount(1 - budgetLeft, '1')} of it are gone`
  const lasts = burn > 0 ? `, at this pace for ${amount((budgetLeft * windowSeconds) / burn, 's')}` : ''
  return `${capital(left(budgetLeft))}${lasts}`
}

function left(budgetLeft: number): string {
  return budgetLeft <= 0 ? 'the budget is overspent' : `${amount(budgetLeft, '1')} of the budget is left`
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
