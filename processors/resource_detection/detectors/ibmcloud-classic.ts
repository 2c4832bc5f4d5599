import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, orNothing } from '../detector.ts'
import { textFields } from './text-fields.ts'

const base = 'https://api.service.softlayer.com/rest/v3.1/SoftLayer_Resource_Metadata'

/** IBM Cloud Classic (SoftLayer). */
export default defineDetector({
  type: 'ibmcloud_classic',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.account.id': true,
      'cloud.availability_zone': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.resource_id': true,
      'host.id': true,
      'host.name': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    detect: (signal) =>
      orNothing(
        world,
        'IBM Cloud Classic',
        async () => {
          const found = new Found(resource_attributes)
          found.set('cloud.provider', 'ibm_cloud')
          found.set('cloud.platform', 'ibm_cloud.classic')
          const get = async (method: string) => (await world.http.text(`${base}/${method}`, { signal })).trim()
          await textFields(found, get, {
            'cloud.account.id': 'getAccountId.txt',
            'cloud.availability_zone': 'getDatacenter.txt',
            'cloud.resource_id': 'getGlobalIdentifier.txt',
            'host.id': 'getId.txt',
            'host.name': 'getHostname.txt',
          })
          return found.done()
        },
        (reason) => `ibmcloud classic metadata unavailable: ${reason}`,
      ),
  }),
})
