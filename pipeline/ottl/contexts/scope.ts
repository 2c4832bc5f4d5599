import type { Scope } from '../../data/telemetry.ts'
import { Opaque } from '../values.ts'
import { attributesSpec, type PathTable } from './path.ts'
import { countSpec, textSpec } from './scalars.ts'

export const scopePaths: PathTable = {
  name: textSpec(
    (frame) => frame.scope.name,
    (frame, name) => void (frame.scope.name = name),
  ),
  version: textSpec(
    (frame) => frame.scope.version,
    (frame, version) => void (frame.scope.version = version),
  ),
  attributes: attributesSpec((frame) => frame.scope.attributes),
  dropped_attributes_count: countSpec(
    (frame) => frame.scope.droppedAttributesCount,
    (frame, count) => void (frame.scope.droppedAttributesCount = count),
  ),
  schema_url: textSpec(
    (frame) => frame.scope.schemaUrl,
    (frame, url) => void (frame.scope.schemaUrl = url),
  ),
}

export const scopeItself = { get: ({ scope }: { scope: Scope }) => new Opaque('pcommon.InstrumentationScope', scope) }
