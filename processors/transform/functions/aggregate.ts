/** Fewer attributes, and the points that become equal merged: aggregate_on_attributes and aggregate_on_attribute_value. */
import { type Aggregation, aggregatedPoints, aggregations } from '../../../pipeline/data/aggregate-points.ts'
import { listOf } from '../../../pipeline/ottl/functions/params.ts'
import { optional } from '../../../pipeline/ottl/functions/signature.ts'
import { metricEditor } from '../../../pipeline/ottl/metric-rewriting.ts'
import { fail } from '../../../pipeline/ottl/problems.ts'
import { checked, textLiteral } from './arguments.ts'

const aggregation = checked(
  textLiteral,
  (text): text is Aggregation => aggregations.includes(text as Aggregation),
  (text) =>
    `invalid aggregation function: 'unsupported function: '${text}'', valid options: ${aggregations.join(', ')}`,
)

export const aggregating = [
  metricEditor(
    'aggregate_on_attributes',
    { aggregation_function: aggregation, attributes: optional(listOf(textLiteral)) },
    ({ aggregation_function: how, attributes }) => {
      const stay = attributes && new Set(attributes)
      return ({ metric }) => {
        if (metric.type === 'summary') fail('aggregate_on_attributes does not support aggregating Summary metrics')
        // Without a list all attributes stay; an empty list is the wish that none does.
        if (stay !== undefined) {
          for (const { attributes: own } of metric.points) {
            for (const [key] of Array.from(own.entries())) if (!stay.has(key)) own.delete(key)
          }
        }
        metric.points = aggregatedPoints([metric], how)
      }
    },
  ),

  metricEditor(
    'aggregate_on_attribute_value',
    { aggregation_function: aggregation, attribute: textLiteral, values: listOf(textLiteral), new_value: textLiteral },
    ({ aggregation_function: how, attribute, values, new_value: newValue }) => {
      const replaced = new Set(values)
      return ({ metric }) => {
        if (metric.type === 'summary') fail('aggregate_on_attribute_value does not support aggregating Summary metrics')
        for (const { attributes } of metric.points) {
          const value = attributes.get(attribute)
          if (typeof value === 'string' && replaced.has(value)) attributes.set(attribute, newValue)
        }
        metric.points = aggregatedPoints([metric], how)
      }
    },
  ),
]
