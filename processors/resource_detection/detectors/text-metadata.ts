import { z } from 'zod'
import {
  attributeSwitches,
  type DetectorType,
  defineDetector,
  Found,
  failKey,
  orNothing,
  type World,
} from '../detector.ts'
import { textFields } from './text-fields.ts'

interface TextMetadata {
  readonly type: string
  /** For messages. */
  readonly name: string
  readonly provider: string
  readonly platform: string
  /** Asks for what stands at a path. */
  readonly open: (world: World, signal: AbortSignal) => Promise<(path: string) => Promise<string>>
  readonly paths: Readonly<
    Record<
      | 'cloud.account.id'
      | 'cloud.region'
      | 'cloud.availability_zone'
      | 'host.id'
      | 'host.name'
      | 'host.image.id'
      | 'host.type',
      string
    >
  >
}

/** A cloud whose metadata service has a text at each path. */
export function textMetadata({ type, name, provider, platform, open, paths }: TextMetadata): DetectorType {
  return defineDetector({
    type,
    config: z.strictObject({
      fail_on_missing_metadata: failKey,
      resource_attributes: attributeSwitches({
        'cloud.account.id': true,
        'cloud.availability_zone': true,
        'cloud.platform': true,
        'cloud.provider': true,
        'cloud.region': true,
        'host.id': true,
        'host.image.id': true,
        'host.name': true,
        'host.type': true,
      }),
    }),
    create: ({ fail_on_missing_metadata, resource_attributes }, given) => {
      const world = { ...given, mustFind: given.mustFind || fail_on_missing_metadata }
      return {
        detect: (signal) =>
          orNothing(world, name, async () => {
            const get = await open(world, signal)
            const found = new Found(resource_attributes)
            found.set('cloud.provider', provider)
            found.set('cloud.platform', platform)
            await textFields(found, get, paths)
            return found.done()
          }),
      }
    },
  })
}
