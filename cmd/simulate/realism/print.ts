/** The findings as a table; what is off is marked. */
import type { Finding } from './observed.ts'

export function printFindings(findings: readonly Finding[]): string {
  const rows = findings.map(({ quantity, value, least, most, low, high, from, isInside }) => [
    isInside ? 'ok' : 'OFF',
    quantity,
    least === most ? short(value) : `${short(value)} (${short(least)} to ${short(most)})`,
    `${short(low)} to ${short(high)}`,
    from,
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
  const off = findings.filter(({ isInside }) => !isInside).length
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n${findings.length - off} of ${findings.length} as observed\n`
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '-'
}
