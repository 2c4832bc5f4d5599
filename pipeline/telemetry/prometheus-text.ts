/** The Prometheus text exposition format 0.0.4, byte for byte as Go's expfmt writes it. */
import type { FamilySnapshot, SeriesSnapshot } from './registry.ts'
import { prometheusName } from './series.ts'

export function prometheusText(families: readonly FamilySnapshot[], resource: ReadonlyMap<string, string>): string {
  const lines: string[] = []
  for (const family of families) {
    lines.push(`# HELP ${family.name} ${escapeHelp(family.description)}`, `# TYPE ${family.name} ${family.type}`)
    for (const series of [...family.series].sort(bySize)) {
      if (family.type === 'histogram') pushHistogram(lines, family, series)
      else lines.push(`${family.name}${braces(pairs(series.labels))} ${goFloat(series.value)}`)
    }
  }
  if (resource.size > 0) {
    const attributes = [...resource].map(([name, value]): [string, string] => [prometheusName(name), value])
    attributes.sort(([a], [b]) => (a < b ? -1 : 1))
    const labels = pairs(Object.fromEntries(attributes))
    lines.push('# HELP target_info Target metadata', '# TYPE target_info gauge', `target_info${braces(labels)} 1`)
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

function pushHistogram(lines: string[], family: FamilySnapshot, series: SeriesSnapshot): void {
  const labels = pairs(series.labels)
  let below = 0
  for (const [i, count] of series.buckets.entries()) {
    below += count
    const bound = family.bounds[i]
    const le = `le="${bound === undefined ? '+Inf' : goFloat(bound)}"`
    lines.push(`${family.name}_bucket${braces([...labels, le])} ${goFloat(below)}`)
  }
  lines.push(`${family.name}_sum${braces(labels)} ${goFloat(series.sum)}`)
  lines.push(`${family.name}_count${braces(labels)} ${goFloat(series.value)}`)
}

/** The order of Go's client: fewer labels first, then by the values. */
function bySize(a: SeriesSnapshot, b: SeriesSnapshot): number {
  const left = Object.values(a.labels)
  const right = Object.values(b.labels)
  if (left.length !== right.length) return left.length - right.length
  for (const [i, value] of left.entries()) {
    if (value !== right[i]) return value < right[i]! ? -1 : 1
  }
  return 0
}

function pairs(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`)
}
function braces(labels: readonly string[]): string {
  return labels.length === 0 ? '' : `{${labels.join(',')}}`
}
function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}

/** `strconv.FormatFloat(x, 'g', -1, 64)`, but large counts stay digits only below a million: `1e+06`. */
export function goFloat(x: number): string {
  if (Number.isNaN(x)) return 'NaN'
  if (!Number.isFinite(x)) return x > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(x)
  if (size === 0 || (size >= 1e-4 && size < 1e6)) return String(x)
  return x.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}
