import type { Summary } from './send.ts'

/** For a person; `--output json` prints the summary itself. */
export function describeSummary(summary: Summary, noun: string): string {
  const { p50, p90, p99, max } = summary.latencyMs
  const rows: [string, string][] = [
    ['sent', `${whole(summary.sent)} ${noun} in ${whole(summary.requests)} requests, ${summary.seconds.toFixed(1)} s`],
    ['accepted', `${whole(summary.accepted)} (${whole(summary.itemsPerSecond)}/s)`],
    ['refused', whole(summary.refused)],
    ['rejected', `${whole(summary.rejected)} (partial success)`],
    ['retries', whole(summary.retries)],
    ['latency', `p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms, max ${max} ms`],
    ...Object.entries(summary.errors).map(([message, count]): [string, string] => [
      'answer',
      `${message}${count > 1 ? ` (${whole(count)} times)` : ''}`,
    ]),
  ]
  return rows.map(([name, value]) => `${name.padEnd(10)}${value}\n`).join('')
}

function whole(value: number): string {
  return value.toLocaleString('en-US')
}
