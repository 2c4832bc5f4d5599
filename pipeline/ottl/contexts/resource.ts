import type { Resource } from '../../data/telemetry.ts'
import { Opaque } from '../values.ts'
import { attributesSpec, type PathTable } from './path.ts'
import { countSpec, textSpec } from './scalars.ts'

export const resourcePaths: PathTable = {
  attributes: attributesSpec((frame) => frame.resource.attributes),
  dropped_attributes_count: countSpec(
    (frame) => frame.resource.droppedAttributesCount,
    (frame, count) => void (frame.resource.droppedAttributesCount = count),
  ),
  schema_url: textSpec(
    (frame) => frame.resource.schemaUrl,
    (frame, url) => void (frame.resource.schemaUrl = url),
  ),
}

/** `resource` without a field: to compare it or to pass it on. */
export const resourceItself = {
  get: ({ resource }: { resource: Resource }) => new Opaque('pcommon.Resource', resource),
}
