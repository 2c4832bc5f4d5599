/** What conditions on metrics may ask of the data points. */
import type { Key, Value } from '../../data/telemetry.ts'
import { key as prepareKey } from '../../data/value.ts'
import type { ContextName } from '../contexts/contexts.ts'
import type { Frame } from '../frame.ts'
import { fail } from '../problems.ts'
import { literalText } from './params.ts'
import { type FunctionSpec, impureConverter } from './signature.ts'

const ofMetrics = [
  impureConverter('HasAttrKeyOnDatapoint', { key: literalText }, ({ key }) => {
    const prepared = prepareKey(key)
    return (frame) => firstOf(frame, prepared) !== undefined
  }),
  // As upstream: the first point that has the attribute decides, and what is no string is an empty one.
  impureConverter('HasAttrOnDatapoint', { key: literalText, expectedVal: literalText }, ({ key, expectedVal }) => {
    const prepared = prepareKey(key)
    return (frame) => {
      const value = firstOf(frame, prepared)
      return value !== undefined && (typeof value === 'string' ? value : '') === expectedVal
    }
  }),
  // Points are seen on the drafts of a rewrite alone.
].map((spec): FunctionSpec => ({ ...spec, rewritesMetrics: true }))

export function hasOnDatapoint(context: ContextName): readonly FunctionSpec[] {
  return context === 'metric' ? ofMetrics : []
}

function firstOf(frame: Frame, key: Key): Value | undefined {
  const { metric } = frame.rewriting!
  if (metric.type === 'empty') fail('unknown metric type')
  for (const { attributes } of metric.points) {
    const value = attributes.get(key)
    if (value !== undefined) return value
  }
  return undefined
}
