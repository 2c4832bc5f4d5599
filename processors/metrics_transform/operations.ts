/** What is done to a metric after it was chosen: each operation is made a function once. */
import { type Aggregation, aggregatedPoints, isInt, toInt64 } from '../../pipeline/data/aggregate-points.ts'
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import { double, isDouble, key as prepareKey } from '../../pipeline/data/value.ts'
import type { OperationConfig } from './config.ts'
import { scaleMetric } from './scale.ts'
import type { Selection } from './selection.ts'

export interface Operation {
  /** Whether it needs that all points of the metric are meant. */
  readonly needsAll: boolean
  /** Throws where upstream refuses the metric; what comes after is not done then. Answers how many points it dropped. */
  readonly run: (metric: MetricRewrite) => number
}

export function operationOf(config: OperationConfig, { takes }: Selection, version: string): Operation {
  const newValue = config.new_value.replaceAll('{{version}}', version)
  const edit = (needsAll: boolean, change: (metric: MetricRewrite) => void): Operation => ({
    needsAll,
    run(metric) {
      change(metric)
      return 0
    },
  })
  switch (config.action) {
    case 'add_label':
      return edit(true, addLabel(config.new_label, newValue))
    case 'update_label':
      return edit(false, updateLabel(config, takes, version))
    case 'delete_label_value':
      return { needsAll: true, run: deleteLabelValue(config) }
    case 'toggle_scalar_data_type':
      return edit(false, toggleType(takes))
    case 'experimental_scale_value':
      return edit(false, (metric) => scaleMetric(metric, config.experimental_scale, takes))
    case 'aggregate_labels':
      return edit(true, aggregateLabels(config))
    default:
      return edit(true, aggregateLabelValues(config, newValue))
  }
}

function addLabel(name: string, value: string) {
  const key = prepareKey(name)
  return ({ points }: MetricRewrite) => {
    for (const { attributes } of points) if (!attributes.has(key)) attributes.set(key, value)
  }
}

function updateLabel({ label, new_label, value_actions }: OperationConfig, takes: Selection['takes'], version: string) {
  const from = prepareKey(label)
  const to = prepareKey(new_label === '' ? label : new_label)
  const values = new Map(
    value_actions.map(({ value, new_value }) => [value, new_value.replaceAll('{{version}}', version)]),
  )
  return ({ points }: MetricRewrite) => {
    for (const { attributes } of points) {
      if (!takes(attributes)) continue
      const value = attributes.get(from)
      if (value === undefined) continue
      const now = values.get(typeof value === 'string' ? value : '') ?? value
      if (to.name !== from.name) attributes.delete(from)
      attributes.set(to, now)
    }
  }
}

function deleteLabelValue({ label, label_value }: OperationConfig) {
  const key = prepareKey(label)
  return (metric: MetricRewrite): number => {
    const { points } = metric
    const stays = points.filter(({ attributes }) => {
      const value = attributes.get(key)
      return value === undefined || (typeof value === 'string' ? value : '') !== label_value
    })
    if (stays.length < points.length) metric.points = stays
    return points.length - stays.length
  }
}

function toggleType(takes: Selection['takes']) {
  return ({ points }: MetricRewrite) => {
    for (const point of points) {
      const { value } = point
      if (value === undefined || !takes(point.attributes)) continue
      point.value = isInt(value) ? double(Number(value)) : toInt64(isDouble(value) ? value.double : value)
    }
  }
}

function aggregateLabels({ label_set, aggregation_type }: OperationConfig) {
  const stays = new Set(label_set)
  return (metric: MetricRewrite) => {
    refuseSummary(metric, 'aggregate_labels')
    for (const { attributes } of metric.points) {
      const gone = Array.from(attributes.entries(), ([name]) => name).filter((name) => !stays.has(name))
      for (const name of gone) attributes.delete(name)
    }
    aggregate(metric, aggregation_type)
  }
}

function aggregateLabelValues({ label, aggregated_values, aggregation_type }: OperationConfig, newValue: string) {
  const key = prepareKey(label)
  const goes = new Set(aggregated_values)
  return (metric: MetricRewrite) => {
    refuseSummary(metric, 'aggregate_label_values')
    for (const { attributes } of metric.points) {
      const value = attributes.get(key)
      if (value !== undefined && goes.has(typeof value === 'string' ? value : '')) attributes.set(key, newValue)
    }
    aggregate(metric, aggregation_type)
  }
}

/** Without a function the first of the points that become one is what stays, as upstream has it. */
function aggregate(metric: MetricRewrite, how: string): void {
  metric.points = aggregatedPoints([metric], how === '' ? undefined : (how as Aggregation))
}

function refuseSummary({ type, name }: MetricRewrite, operation: string): void {
  if (type === 'summary') throw new Error(`${operation} is not supported for Summary metrics: ${name}`)
}
