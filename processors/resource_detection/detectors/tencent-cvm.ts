import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, failKey, orNothing } from '../detector.ts'
import { textFields } from './text-fields.ts'

const base = 'http://metadata.tencentyun.com/latest/meta-data/'

/** Tencent Cloud CVM. */
export default defineDetector({
  type: 'tencent_cvm',
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
        orNothing(world, 'Tencent Cloud CVM', async () => {
          const found = new Found(resource_attributes)
          found.set('cloud.provider', 'tencent_cloud')
          found.set('cloud.platform', 'tencent_cloud_cvm')
          await textFields(found, (path) => world.http.text(`${base}${path}`, { signal }), {
            'cloud.account.id': 'app-id',
            'cloud.region': 'placement/region',
            'cloud.availability_zone': 'placement/zone',
            'host.id': 'instance-id',
            'host.name': 'instance-name',
            'host.image.id': 'instance/image-id',
            'host.type': 'instance/instance-type',
          })
          return found.done()
        }),
    }
  },
})
