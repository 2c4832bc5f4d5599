import type { Severity } from '../../pipeline/vocabulary/event.ts'

const ranks: Readonly<Record<Severity, number>> = { low: 0, medium: 1, high: 2, critical: 3 }

export function rankOf(severity: Severity): number {
  return ranks[severity]
}
