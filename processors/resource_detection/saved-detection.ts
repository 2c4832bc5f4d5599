/** What was detected outlives a reload that leaves the detectors as they were. */
import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import { z } from 'zod'
import type { Value } from '../../pipeline/data/telemetry.ts'
import type { Config } from './config.ts'
import type { Detected } from './detector.ts'

const saved = z.object({
  version: z.literal(1),
  settings: z.string(),
  schemaUrl: z.string(),
  attributes: z.array(z.tuple([z.string(), z.custom<Value>()])),
})

export function saveDetected({ attributes, schemaUrl }: Detected, settings: Config): Uint8Array {
  return serialize({ version: 1, settings: detectionSettings(settings), schemaUrl, attributes: [...attributes] })
}

/** Undefined for what other detectors have found, or nobody. Throws when the state makes no sense. */
export function restoreDetected(state: Uint8Array, settings: Config): Detected | undefined {
  const { settings: theirs, attributes, schemaUrl } = saved.parse(deserialize(state))
  if (theirs !== detectionSettings(settings) || attributes.length === 0) return undefined
  return { attributes: new Map(attributes), schemaUrl }
}

/** Everything that detection depends on, as a hash: there are tokens in it. */
function detectionSettings({ override: _override, refresh_interval: _refresh, ...rest }: Config): string {
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex')
}
