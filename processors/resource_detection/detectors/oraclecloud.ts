import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, nothing, orNothing } from '../detector.ts'
import { objectOf, textOf } from './json-metadata.ts'

const url = 'http://169.254.169.254/opc/v2/instance/'
const headers = { authorization: 'Bearer Oracle' }

/** Oracle Cloud Infrastructure. A quick probe first: nobody else waits for it. */
export default defineDetector({
  type: 'oraclecloud',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.availability_zone': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'cloud.resource_id': false,
      'host.id': true,
      'host.name': true,
      'host.type': true,
      'k8s.cluster.name': true,
      'oracle_cloud.realm': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect(signal) {
      const probe = await world.http
        .ask(url, { method: 'HEAD', headers, timeoutMs: 200, signal })
        .catch(() => undefined)
      if (probe?.status !== 200) {
        world.logger.debug('not running on Oracle Cloud')
        return nothing
      }
      return orNothing(
        world,
        'Oracle Cloud',
        async () => {
          const compute = objectOf(await world.http.json(url, { headers, signal }))
          const metadata = objectOf(compute['metadata'])
          const found = new Found(resource_attributes)
          found.set('cloud.provider', 'oracle_cloud')
          found.set('cloud.platform', 'oracle_cloud_oke')
          found.set('cloud.region', textOf(compute['canonicalRegionName']))
          found.set('cloud.resource_id', textOf(compute['id']))
          found.set('cloud.availability_zone', textOf(compute['availabilityDomain']))
          found.set('host.id', textOf(compute['id']))
          found.set('host.name', textOf(compute['displayName']))
          found.set('host.type', textOf(compute['shape']))
          found.set('k8s.cluster.name', textOf(metadata['oke-cluster-display-name']))
          found.set('oracle_cloud.realm', textOf(metadata['realm']))
          return found.done()
        },
        (reason) => `failed to get Oracle Cloud metadata: ${reason}`,
      )
    },
  }),
})
