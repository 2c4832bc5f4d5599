/** Which metrics a transform is about, and which of their points. */
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import type { Attributes, Key } from '../../pipeline/data/telemetry.ts'
import { key as prepareKey } from '../../pipeline/data/value.ts'
import { Regex, template } from '../../pipeline/ottl/regex.ts'
import type { TransformConfig } from './config.ts'

export interface Selection {
  /** Whether the name is meant, whatever the points are. */
  readonly names: (metric: MetricRewrite) => boolean
  /** Whether a point with these labels is meant. */
  readonly takes: (attributes: Attributes) => boolean
  /** Whether points are chosen by their labels at all. */
  readonly choosesPoints: boolean
  /** `new_name` with what the groups of the pattern took; the template itself where that is nothing. */
  readonly rename: (name: string) => string
  /** Labels that the groups of the pattern give; none where nothing was taken. */
  readonly labelsOf: (name: string) => readonly (readonly [string, string])[]
}

export function selectionOf({ include, match_type, experimental_match_labels, new_name }: TransformConfig): Selection {
  const isRegexp = match_type === 'regexp'
  const labels = Object.entries(experimental_match_labels).map(([name, text]): [Key, (value: string) => boolean] => {
    const pattern = isRegexp ? new Regex(text) : undefined
    return [prepareKey(name), pattern === undefined ? (value) => value === text : (value) => pattern.test(value)]
  })
  const points = {
    choosesPoints: labels.length > 0,
    takes(attributes: Attributes) {
      for (const [key, matches] of labels) {
        // What is absent, and what is no string, counts as an empty text.
        const value = attributes.get(key)
        if (!matches(typeof value === 'string' ? value : '')) return false
      }
      return true
    },
  }
  if (!isRegexp) return { ...points, names: ({ name }) => name === include, rename: () => new_name, labelsOf: () => [] }
  const pattern = new Regex(include)
  const expand = template(new_name, pattern.groupNames)
  const keys = pattern.groupNames.map((name, i) => (name === undefined || name === '' ? `$${i}` : name))
  return {
    ...points,
    names: ({ name }) => pattern.test(name),
    rename(name) {
      const match = pattern.find(name)
      return (match === undefined ? '' : expand(match)) || new_name
    },
    labelsOf(name) {
      const groups = pattern.find(name)?.groups ?? []
      return groups.flatMap((group, i) => (i === 0 || !group ? [] : [[keys[i]!, group] as const]))
    },
  }
}

/** Whether one of the points is meant, or there are none. */
export function takesAny({ choosesPoints, takes }: Selection, metric: MetricRewrite): boolean {
  if (!choosesPoints || metric.pointCount === 0) return true
  return metric.points.some(({ attributes }) => takes(attributes))
}

export function takesAll({ choosesPoints, takes }: Selection, metric: MetricRewrite): boolean {
  return !choosesPoints || metric.points.every(({ attributes }) => takes(attributes))
}
