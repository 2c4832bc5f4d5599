/** What the command prints: a table for people, or everything as JSON. */
import { reasonFor } from './known.ts'
import type { SuiteResult } from './suite.ts'
import type { Disagreement } from './verdict.ts'

/** How many disagreements of one suite and kind a person wants to read. */
const shownPerKind = 12
const shownMissing = 25

interface Sorted {
  readonly open: readonly Disagreement[]
  readonly known: readonly { readonly disagreement: Disagreement; readonly reason: string }[]
}

export function sortOut(results: readonly SuiteResult[]): Sorted {
  const all = results.flatMap(({ disagreements }) => disagreements)
  const known = all.flatMap((disagreement) => {
    const reason = reasonFor(disagreement)
    return reason === undefined ? [] : [{ disagreement, reason }]
  })
  return { open: all.filter((disagreement) => reasonFor(disagreement) === undefined), known }
}

export function asJson(results: readonly SuiteResult[], subject: string): string {
  const { open, known } = sortOut(results)
  const suites = results.map(({ disagreements, ...rest }) => ({ ...rest, disagreements: disagreements.length }))
  return JSON.stringify({ subject, suites, open, known }, undefined, 2)
}

export function asText(results: readonly SuiteResult[]): string {
  const { open, known } = sortOut(results)
  const lines = ['suite       cases  agree  known  open']
  for (const { suite, cases, disagreements } of results) {
    const differing = new Set(disagreements.map((one) => one.case)).size
    const ofSuite = (ones: readonly Disagreement[]) => ones.filter((one) => one.suite === suite).length
    const columns = [cases, cases - differing, ofSuite(known.map(({ disagreement }) => disagreement)), ofSuite(open)]
    lines.push(suite.padEnd(10) + columns.map((count) => String(count).padStart(7)).join(''))
  }
  lines.push(
    '',
    ...results.flatMap(({ notes }) => notes ?? []),
    ...results.flatMap(({ skipped }) => skipped.map((why) => `left out: ${why}`)),
  )
  lines.push(...missingTable(results), ...describeOpen(open))
  lines.push(
    '',
    open.length === 0
      ? 'No disagreement.'
      : `${open.length} disagreements. Each is a bug, or belongs into cmd/compat/known.ts with its reason.`,
  )
  return lines.join('\n')
}

function missingTable(results: readonly SuiteResult[]): string[] {
  const missing = results.flatMap((result) => result.missing ?? [])
  if (missing.length === 0) return []
  const shown = missing.filter(({ replacement }, index) => index < shownMissing || replacement !== undefined)
  const rows = shown.map(({ type, configs, unblocks, replacement }) =>
    [
      String(unblocks).padStart(10),
      String(configs).padStart(9),
      `  ${type}`,
      replacement ? `  (use ${replacement})` : '',
    ].join(''),
  )
  const more = missing.length > shown.length ? [`           and ${missing.length - shown.length} more`] : []
  return [
    '',
    'missing types: adding one makes so many real configurations run, and so many use it',
    '  unblocks  used by',
    ...rows,
    ...more,
  ]
}

function describeOpen(open: readonly Disagreement[]): string[] {
  const groups = Map.groupBy(open, ({ suite, check }) => `${suite}, ${check}`)
  return [...groups].flatMap(([title, ones]) => [
    '',
    `${title}: ${ones.length}`,
    ...ones
      .slice(0, shownPerKind)
      .flatMap((one) => [`  ${one.case}`, indent('oracle', one.oracle), indent('vigil', one.vigil)]),
    ...(ones.length > shownPerKind ? [`  and ${ones.length - shownPerKind} more: see --output json`] : []),
  ])
}

function indent(who: string, text: string): string {
  return `    ${who.padEnd(7)}${text.trim().replaceAll('\n', `\n${' '.repeat(11)}`)}`
}
