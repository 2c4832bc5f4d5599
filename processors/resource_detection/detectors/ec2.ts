import { z } from 'zod'
import { duration } from '../../../pipeline/config/fields.ts'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { attributeSwitches, defineDetector, Found, failKey, nothing, type World } from '../detector.ts'
import { StatusError } from '../metadata-client.ts'
import { describeTags } from './ec2-api.ts'
import { type Imds, openImds } from './imds.ts'
import { compilePatterns, matchesAny, patternList } from './patterns.ts'

/** AWS EC2 instances. Others speak a part of the same protocol; who has no identity document is not EC2. */
export default defineDetector({
  type: 'ec2',
  config: z.strictObject({
    tags: patternList().describe('RE2 patterns; tags that match become `ec2.tag.<key>`.'),
    tags_from_imds: z
      .boolean()
      .default(false)
      .describe('Reads tags from the instance metadata, which must have them on, instead of the EC2 API.'),
    max_attempts: z.int().default(3).describe('How often the metadata service is asked at most.'),
    max_backoff: duration().default(20_000).describe('The longest wait between two attempts.'),
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
  create: (settings, given) => {
    const world = { ...given, mustFind: given.mustFind || settings.fail_on_missing_metadata }
    const patterns = compilePatterns(settings.tags)
    return {
      async detect(signal) {
        const imds = openImds(world, { maxAttempts: settings.max_attempts, maxBackoffMs: settings.max_backoff }, signal)
        try {
          await imds.metadata('instance-id')
        } catch (error) {
          world.logger.debug('EC2 metadata is unavailable', { error: errorMessage(error) })
          if (world.mustFind) throw error
          return nothing
        }
        const instance = await imds.document().catch((error: unknown) => {
          const isMissing = error instanceof StatusError && error.status === 404
          if (isMissing && !world.mustFind) return undefined
          throw new Error(`failed getting identity document: ${errorMessage(error)}`, { cause: error })
        })
        if (instance === undefined) return nothing
        const hostname = await imds.metadata('hostname').catch((error: unknown) => {
          if (world.mustFind) throw new Error(`failed getting hostname: ${errorMessage(error)}`, { cause: error })
          return undefined
        })
        const found = new Found(settings.resource_attributes)
        found.set('cloud.provider', 'aws')
        found.set('cloud.platform', 'aws_ec2')
        found.set('cloud.region', instance.region)
        found.set('cloud.account.id', instance.accountId)
        found.set('cloud.availability_zone', instance.availabilityZone)
        found.set('host.id', instance.instanceId)
        found.set('host.image.id', instance.imageId)
        found.set('host.type', instance.instanceType)
        if (hostname !== undefined) found.set('host.name', hostname)
        if (patterns.length > 0) {
          const { region, instanceId } = instance
          const tags = settings.tags_from_imds
            ? imdsTags(imds, (key) => matchesAny(patterns, key), world)
            : describeTags(world, imds, { region, instanceId }, signal)
          try {
            for (const [key, value] of await tags) if (matchesAny(patterns, key)) found.add(`ec2.tag.${key}`, value)
          } catch (error) {
            world.logger.debug('the tags of the instance are unavailable', { error: errorMessage(error) })
          }
        }
        return found.done()
      },
    }
  },
})

/** A tag that cannot be read leaves the others. */
async function imdsTags(
  imds: Imds,
  isWanted: (key: string) => boolean,
  { logger }: World,
): Promise<[string, string][]> {
  const keys = (await imds.metadata('tags/instance')).split('\n').map((key) => key.trim())
  const tags: [string, string][] = []
  for (const key of keys.filter((key) => key !== '' && isWanted(key))) {
    try {
      tags.push([key, await imds.metadata(`tags/instance/${key}`)])
    } catch (error) {
      logger.debug('a tag of the instance is unavailable', { key, error: errorMessage(error) })
    }
  }
  return tags
}
