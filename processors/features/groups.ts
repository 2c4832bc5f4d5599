/** Features that come of the same telemetry: what is told late of one says nothing new of the others. */
import type { Rule } from './rules.ts'

export const groupBits = {
  requests: 1,
  duration: 2,
  selfTime: 4,
  networkGap: 8,
  logs: 16,
  resources: 32,
  dependencies: 64,
} as const
export const allGroups = 127
/** Those that are made of members. */
export const pooledGroups = groupBits.resources | groupBits.dependencies

export function groupOf(rule: Rule): number {
  if (rule.take === 'sketch') return rule.sketch === 'httpDuration' ? groupBits.duration : groupBits[rule.sketch]
  if (rule.take === 'requests') return groupBits.requests | groupBits.duration
  if (rule.signal === 'logs') return groupBits.logs
  return rule.signal === 'traces' ? groupBits.requests : groupBits.resources
}
