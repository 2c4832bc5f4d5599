import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, orNothing } from '../detector.ts'
import { objectOf, textOf } from './json-metadata.ts'

const apiVersion = '2026-01-30'

/** IBM Cloud VPC virtual server instances. */
export default defineDetector({
  type: 'ibmcloud_vpc',
  config: z.strictObject({
    protocol: z
      .string()
      .default('http')
      .refine((protocol) => protocol === 'http' || protocol === 'https', {
        error: ({ input }) => `invalid protocol ${JSON.stringify(input)}: must be "http" or "https"`,
      })
      .describe('How the metadata service is reached: `http` or `https`.'),
    resource_attributes: attributeSwitches({
      'cloud.account.id': true,
      'cloud.availability_zone': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'cloud.resource_id': true,
      'host.id': true,
      'host.image.id': true,
      'host.image.name': true,
      'host.name': true,
      'host.type': true,
    }),
  }),
  create: ({ protocol, resource_attributes }, world) => ({
    detect: (signal) =>
      orNothing(
        world,
        'IBM Cloud VPC',
        async () => {
          const url = (path: string) => `${protocol}://api.metadata.cloud.ibm.com${path}?version=${apiVersion}`
          const answer = objectOf(
            await world.http.json(url('/identity/v1/token'), {
              method: 'PUT',
              headers: { 'metadata-flavor': 'ibm', accept: 'application/json', 'content-type': 'application/json' },
              body: '{"expires_in":300}',
              signal,
            }),
          )
          const token = textOf(answer['access_token'])
          if (token === '') throw new Error('metadata token response missing access_token')
          const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
          const instance = objectOf(await world.http.json(url('/metadata/v1/instance'), { headers, signal }))
          const zone = textOf(objectOf(instance['zone'])['name'])
          const crn = textOf(instance['crn'])
          const image = objectOf(instance['image'])
          const found = new Found(resource_attributes)
          found.set('cloud.provider', 'ibm_cloud')
          found.set('cloud.platform', 'ibm_cloud.vpc')
          found.setUnlessEmpty('cloud.region', zone.lastIndexOf('-') > 0 ? zone.slice(0, zone.lastIndexOf('-')) : zone)
          found.setUnlessEmpty('cloud.availability_zone', zone)
          found.setUnlessEmpty('cloud.account.id', accountOf(crn))
          found.setUnlessEmpty('cloud.resource_id', crn)
          found.setUnlessEmpty('host.id', textOf(instance['id']))
          found.setUnlessEmpty('host.image.id', textOf(image['id']))
          found.setUnlessEmpty('host.image.name', textOf(image['name']))
          found.setUnlessEmpty('host.name', textOf(instance['name']))
          found.setUnlessEmpty('host.type', textOf(objectOf(instance['profile'])['name']))
          return found.done()
        },
        () => 'ibmcloud vpc metadata unavailable',
      ),
  }),
})

/** `crn:v1:bluemix:public:is:<zone>:a/<account>::instance:<id>`. */
function accountOf(crn: string): string {
  return (crn.split(':')[6] ?? '').replace(/^a\//, '')
}
