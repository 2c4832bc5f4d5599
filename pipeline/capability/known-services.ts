/** What other systems call a service, as the entity that telemetry knows: by rules, by the aliases of a service catalogue, by what a feature store has seen. */
import { z } from 'zod'
import type { Clock, Context } from '../component.ts'
import { componentId } from '../config/fields.ts'
import { compileGlob } from '../ottl/glob.ts'
import type { Entity } from '../vocabulary/entity.ts'
import { type FeatureStore, featureStore } from './feature-store.ts'
import { serviceCatalogOf } from './observed-services.ts'
import type { ServiceCatalog } from './service-catalog.ts'

/** What has a name without naming a service that it is a part of. */
const kinds = ['service', 'database', 'cache', 'queue', 'node', 'external'] as const
type NamedKind = (typeof kinds)[number]

/** A pattern that is refused where `compileGlob` would throw. */
export const globPattern = () =>
  z
    .string()
    .min(1)
    .superRefine((pattern, context) => {
      try {
        compileGlob(pattern)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
      }
    })

const rule = z.strictObject({
  name: globPattern().describe('What they call it, whole: `acme/payment-api`, or a glob, `acme/payment-*`.'),
  kind: z.enum(kinds).default('service').describe('What it is.'),
  service: z
    .string()
    .default('')
    .describe(
      '`service.name` in telemetry; of other kinds the name. Empty = as they call it, without what stands before the last slash.',
    ),
  namespace: z.string().optional().describe('`service.namespace`'),
  environment: z.string().optional().describe('`deployment.environment.name`'),
  cluster: z.string().optional().describe('`k8s.cluster.name`'),
})

/** Keys of components that hear of services by names of others. */
export const knownServicesShape = {
  entities: z
    .array(rule)
    .default([])
    .describe('What they call a service, and what telemetry calls it; the first that fits counts.'),
  environment: z.string().default('').describe('`deployment.environment.name` where nothing says which.'),
  namespace: z.string().default('').describe('`service.namespace` where nothing says which.'),
  cluster: z.string().default('').describe('`k8s.cluster.name` where nothing says which.'),
  service_catalog: componentId().optional().describe('A service_catalog extension, whose aliases are known too.'),
  feature_store: componentId()
    .optional()
    .describe(
      'A feature_store extension: of the services that it has seen, the one of that name says namespace, environment and cluster.',
    ),
}
const settingsSchema = z.object(knownServicesShape)
export type KnownServicesSettings = z.output<typeof settingsSchema>

/** What a sender says of where it is; each may be empty. It is a hint: what telemetry knows counts more. */
export interface Whereabouts {
  readonly namespace?: string
  readonly environment?: string
  readonly cluster?: string
}

const maxRemembered = 10_000
const rememberMs = 60_000
const maxNameChars = 256
/** A store that does not answer by then is done without. */
const storeMs = 2_000

export class KnownServices {
  readonly #settings: KnownServicesSettings
  readonly #clock: Clock
  readonly #rules: readonly (z.output<typeof rule> & { readonly fits: (name: string) => boolean })[]
  readonly #remembered = new Map<string, { readonly entity: Entity; readonly atMs: number }>()
  #catalog: ServiceCatalog | undefined
  #store: FeatureStore | undefined

  constructor(settings: KnownServicesSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#rules = settings.entities.map((one) => {
      const glob = compileGlob(one.name)
      return { ...one, fits: (name: string) => one.name === name || glob.test(name) }
    })
  }

  /** Call it from `start`. Throws with the cure where an extension is not there. */
  open(context: Pick<Context, 'extension'>): void {
    const { service_catalog, feature_store } = this.#settings
    if (service_catalog !== undefined) this.#catalog = serviceCatalogOf(context, service_catalog)
    if (feature_store === undefined) return
    try {
      this.#store = context.extension(featureStore, feature_store)
    } catch (cause) {
      throw new Error(
        `no feature store "${feature_store}": add feature_store to extensions and to service::extensions, or leave feature_store out`,
        { cause },
      )
    }
  }

  /** `names` in the order of what counts first; undefined where all are empty. `otherwise` is what it is when no rule and no alias knows it. */
  async find(
    names: readonly string[],
    where: Whereabouts = {},
    otherwise: 'service' | 'external' = 'service',
  ): Promise<Entity | undefined> {
    const said = names.map((name) => name.trim().slice(0, maxNameChars)).filter((name) => name !== '')
    if (said.length === 0) return undefined
    const key = JSON.stringify([otherwise, said, where.cluster, where.environment, where.namespace])
    const nowMs = this.#clock.nowMs()
    const known = this.#remembered.get(key)
    if (known !== undefined && nowMs - known.atMs < rememberMs) return known.entity
    const entity = await this.#search(said, where, otherwise)
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
    this.#remembered.set(key, { entity, atMs: nowMs })
    return entity
  }

  async #search(names: readonly string[], where: Whereabouts, otherwise: 'service' | 'external'): Promise<Entity> {
    for (const name of names) {
      const found = this.#rules.find(({ fits }) => fits(name))
      if (found === undefined) continue
      const { kind, service, namespace, environment, cluster } = found
      return this.#complete(kind, service === '' ? lastPart(name) : service, {
        ...where,
        ...(namespace === undefined ? {} : { namespace }),
        ...(environment === undefined ? {} : { environment }),
        ...(cluster === undefined ? {} : { cluster }),
      })
    }
    for (const name of names.flatMap((one) => [one, lastPart(one)])) {
      const alias = this.#catalog?.serviceNamed?.(name)
      if (alias !== undefined) return this.#complete('service', alias, where)
    }
    return this.#complete(otherwise, otherwise === 'service' ? lastPart(names[0]!) : names[0]!, where)
  }

  async #complete(kind: NamedKind, name: string, where: Whereabouts): Promise<Entity> {
    const { environment, namespace, cluster } = this.#settings
    const guess = {
      kind,
      cluster: where.cluster || cluster,
      environment: kind === 'node' ? '' : where.environment || environment,
      // What stands by itself has none: callers of several share it.
      namespace: kind === 'service' ? where.namespace || namespace : '',
      service: '',
      name,
    }
    let fitting = kind === 'service' ? await this.#seen(name) : []
    for (const key of ['environment', 'cluster', 'namespace'] as const) {
      if (guess[key] === '' || fitting.length < 2) continue
      const same = fitting.filter((one) => one[key] === guess[key])
      if (same.length > 0) fitting = same
    }
    const [only] = fitting
    if (only === undefined || fitting.length > 1) return guess
    // One in another environment is another one.
    return guess.environment !== '' && only.environment !== '' && only.environment !== guess.environment ? guess : only
  }

  /** Services of that name; none where the store fails or is slow: an event with half a name is better than none. */
  async #seen(name: string): Promise<readonly Entity[]> {
    if (this.#store === undefined) return []
    const { promise: late, resolve } = Promise.withResolvers<readonly never[]>()
    const cancel = this.#clock.after(storeMs, () => resolve([]))
    const asked = this.#store.entities({ kinds: ['service'], service: name }).catch(() => [])
    const found = await Promise.race([asked, late])
    cancel()
    return found.map(({ entity }) => entity).filter((one) => one.name === name)
  }
}

function lastPart(name: string): string {
  return name.replace(/\/+$/, '').split('/').at(-1) || name
}
