/** What a detector is: a block of the config, and a question that it puts to its surroundings. */
import { z } from 'zod'
import type { Clock } from '../../pipeline/component.ts'
import type { Value } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import type { PodWorld } from '../../pipeline/kubernetes/access.ts'
import type { HttpAnswer, HttpRequest } from '../../pipeline/net/http-client.ts'
import type { Logger } from '../../pipeline/telemetry/logger.ts'
import type { HostNames } from './host-names.ts'
import type { MetadataClient } from './metadata-client.ts'

export interface Detected {
  readonly attributes: ReadonlyMap<string, Value>
  readonly schemaUrl: string
}
export interface Detector {
  /** Empty where it does not apply. Throws what should be tried again. */
  detect(signal: AbortSignal): Promise<Detected>
}

/** Everything that a detector may look at, so that tests can bring a world of their own. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Rejects with an `ENOENT` for a file that is not there. */
  readonly readFile: (path: string) => Promise<string>
  readonly platform: NodeJS.Platform
  readonly names: HostNames
  readonly http: MetadataClient
  /** The client that the processor's own keys (`tls`, `headers`, ...) describe. */
  readonly post: (request: Omit<HttpRequest, 'signal'> & { readonly signal: AbortSignal }) => Promise<HttpAnswer>
  readonly pod: PodWorld
  readonly clock: Clock
  readonly logger: Logger
  /** Whether an environment without metadata is an error. */
  readonly mustFind: boolean
  readonly hasGate: (id: string) => boolean
}

export interface DetectorType {
  /** As `detectors` names it. */
  readonly type: string
  /** Its block in the config; empty where it has none. */
  readonly section: string
  readonly config: z.ZodType
  readonly create: (settings: unknown, world: World) => Detector
}

export function defineDetector<C extends z.ZodType>(definition: {
  readonly type: string
  /** Default: the type. Empty: it has no block. */
  readonly section?: string
  readonly config: C
  create(settings: z.output<C>, world: World): Detector
}): DetectorType {
  const { type, config } = definition
  const create = (settings: unknown, world: World) => definition.create(settings as z.output<C>, world)
  return { type, section: definition.section ?? type, config, create }
}

const schemaUrl = 'https://opentelemetry.io/schemas/1.43.0'
export const nothing: Detected = { attributes: new Map(), schemaUrl: '' }

export type Switches = Readonly<Record<string, { readonly enabled: boolean }>>

/** `resource_attributes`, by name with what is on without it. */
export function attributeSwitches(defaults: Readonly<Record<string, boolean>>) {
  const shape: Record<string, z.ZodType<{ enabled: boolean }>> = {}
  for (const [name, isOn] of Object.entries(defaults)) {
    shape[name] = z
      .strictObject({ enabled: z.boolean().default(isOn).describe('Whether it is set.') })
      .prefault({})
      .describe(`The attribute \`${name}\`.`)
  }
  return z.strictObject(shape).prefault({}).describe('Which attributes it sets.')
}
export const failKey = z
  .boolean()
  .default(false)
  .describe("Deprecated: as the processor's `fail_on_missing_metadata`, for this detector alone.")

/** The attributes that are found, without those that are switched off. */
export class Found {
  readonly #switches: Switches
  readonly #attributes = new Map<string, Value>()

  constructor(switches: Switches) {
    this.#switches = switches
  }

  set(name: string, value: Value): void {
    if (this.#switches[name]?.enabled === true) this.#attributes.set(name, value)
  }
  /** Not where it is empty or missing. */
  setUnlessEmpty(name: string, value: string | undefined): void {
    if (value !== undefined && value !== '') this.set(name, value)
  }
  /** Of a name that no switch knows. */
  add(name: string, value: Value): void {
    this.#attributes.set(name, value)
  }
  done(): Detected {
    return { attributes: this.#attributes, schemaUrl }
  }
}

/**
 * For a detector whose metadata is all there or not at all. Metadata that is not there is nothing to report, unless it must be found.
 */
export async function orNothing(
  world: World,
  what: string,
  ask: () => Promise<Detected>,
  wrap = (message: string) => message,
): Promise<Detected> {
  try {
    return await ask()
  } catch (error) {
    if (world.mustFind) throw new Error(wrap(errorMessage(error)), { cause: error })
    world.logger.debug(`${what} metadata is unavailable`, { error: errorMessage(error) })
    return nothing
  }
}
