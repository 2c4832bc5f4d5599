import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, failKey, orNothing } from '../detector.ts'
import { textFields } from './text-fields.ts'

const base = 'http://100.100.100.200/latest'

/** Alibaba Cloud ECS, by its metadata server in hardened mode. */
export default defineDetector({
  type: 'alibaba_ecs',
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
        orNothing(world, 'Alibaba Cloud ECS', async () => {
          const token = await world.http.text(`${base}/api/token`, {
            method: 'PUT',
            headers: { 'X-aliyun-ecs-metadata-token-ttl-seconds': '21600' },
            signal,
          })
          const get = (path: string) =>
            world.http.text(`${base}/meta-data/${path}`, { headers: { 'X-aliyun-ecs-metadata-token': token }, signal })
          const found = new Found(resource_attributes)
          found.set('cloud.provider', 'alibaba_cloud')
          found.set('cloud.platform', 'alibaba_cloud_ecs')
          await textFields(found, get, {
            'cloud.account.id': 'owner-account-id',
            'cloud.region': 'region-id',
            'cloud.availability_zone': 'zone-id',
            'host.id': 'instance-id',
            'host.name': 'hostname',
            'host.image.id': 'image-id',
            'host.type': 'instance/instance-type',
          })
          return found.done()
        }),
    }
  },
})
