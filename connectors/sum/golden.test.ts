/** Upstream's own vectors: its inputs and outputs are read where they lie, the configurations of its tests stand in testdata/golden.yaml. */
import { describeGolden, sortedAttributes } from '../../pipeline/testing/golden.ts'
import factory from './index.ts'

describeGolden(factory, import.meta.dirname, ({ resource, scope, name, description, rest, point, attributes }) =>
  JSON.stringify([
    sortedAttributes(resource['attributes']),
    scope,
    name,
    description,
    rest,
    // To three places, as upstream compares them.
    Number(point['asDouble']).toFixed(3),
    sortedAttributes(attributes),
  ]),
)
