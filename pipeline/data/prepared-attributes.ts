/** Attributes whose bytes are prepared once, and copied into each point. */
import { WireAttributes } from './attributes.ts'
import { type AttributeSource, writeAttributes } from './items.ts'
import { written } from './writer.ts'

const tag = 10

export function prepareAttributes(attributes: AttributeSource): WireAttributes {
  return preparedOf(written((to) => writeAttributes(to, tag, attributes)))
}

/** To be saved. */
export function preparedBytes(attributes: WireAttributes): Uint8Array {
  return written((to) => attributes.copy(to, tag))
}

/** Of what `preparedBytes` gave. */
export function preparedOf(bytes: Uint8Array): WireAttributes {
  return new WireAttributes(bytes, 0, bytes.length, tag)
}
