import { z } from 'zod'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { attributeSwitches, defineDetector, Found, failKey, orNothing } from '../detector.ts'
import { objectOf, textOf } from './json-metadata.ts'
import { compilePatterns, matchesAny, patternList } from './patterns.ts'

const documentUrl = 'http://169.254.169.254/openstack/latest/meta_data.json'
const typeUrl = 'http://169.254.169.254/latest/meta-data/instance-type'
const timeoutMs = 2_000

/** OpenStack Nova. The type of the instance comes from the part of the service that speaks EC2, which may be missing. */
export default defineDetector({
  type: 'nova',
  config: z.strictObject({
    labels: patternList().describe(
      'RE2 patterns; metadata of the instance that matches becomes `openstack.nova.meta.<key>`.',
    ),
    fail_on_missing_metadata: failKey,
    resource_attributes: attributeSwitches({
      'cloud.account.id': true,
      'cloud.availability_zone': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'host.id': true,
      'host.name': true,
      'host.type': true,
    }),
  }),
  create: ({ labels, fail_on_missing_metadata, resource_attributes }, given) => {
    const world = { ...given, mustFind: given.mustFind || fail_on_missing_metadata }
    const patterns = compilePatterns(labels)
    return {
      detect: (signal) =>
        orNothing(world, 'OpenStack Nova', async () => {
          const document = objectOf(await world.http.json(documentUrl, { timeoutMs, signal }))
          if (textOf(document['uuid']) === '') throw new Error('instance ID (uuid) not found in metadata')
          if (textOf(document['hostname']) === '')
            throw new Error('failed getting hostname: hostname not found in metadata')
          const found = new Found(resource_attributes)
          try {
            found.setUnlessEmpty('host.type', await world.http.text(typeUrl, { timeoutMs, signal }))
          } catch (error) {
            world.logger.debug('the EC2-compatible instance type is unavailable', { error: errorMessage(error) })
          }
          found.set('cloud.provider', 'openstack')
          found.set('cloud.platform', 'openstack_nova')
          found.set('cloud.account.id', textOf(document['project_id']))
          found.set('cloud.availability_zone', textOf(document['availability_zone']))
          found.set('host.id', textOf(document['uuid']))
          found.set('host.name', textOf(document['hostname']))
          for (const [key, value] of Object.entries(objectOf(document['meta'])))
            if (matchesAny(patterns, key)) found.add(`openstack.nova.meta.${key}`, textOf(value))
          return found.done()
        }),
    }
  },
})
