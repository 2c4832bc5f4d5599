import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, orNothing } from '../detector.ts'
import { idOf, listOf, objectOf, textOf } from './json-metadata.ts'

const base = 'http://169.254.169.254/v1'

/** Akamai Cloud Compute (Linode). */
export default defineDetector({
  type: 'akamai',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.account.id': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'host.id': true,
      'host.image.id': true,
      'host.image.name': true,
      'host.name': true,
      'host.type': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    detect: (signal) =>
      orNothing(
        world,
        'Akamai',
        async () => {
          const headers = { accept: 'application/json', 'content-type': 'application/json' }
          const tokens = await world.http.json(`${base}/token`, {
            method: 'PUT',
            headers: { ...headers, 'metadata-token-expiry-seconds': '3600' },
            signal,
          })
          const token = textOf(listOf(tokens)[0])
          if (token === '') throw new Error('no token returned from API')
          const instance = objectOf(
            await world.http.json(`${base}/instance`, { headers: { ...headers, 'metadata-token': token }, signal }),
          )
          const image = objectOf(instance['image'])
          const found = new Found(resource_attributes)
          found.set('cloud.account.id', textOf(instance['account_euuid']))
          found.set('cloud.provider', 'akamai_cloud')
          found.set('cloud.platform', 'akamai_cloud.compute')
          found.set('cloud.region', textOf(instance['region']))
          found.set('host.id', idOf(instance['id']))
          found.set('host.image.id', textOf(image['id']))
          found.set('host.image.name', textOf(image['label']))
          found.set('host.name', textOf(instance['label']))
          found.set('host.type', textOf(instance['type']))
          return found.done()
        },
        (reason) => `akamai metadata unavailable: ${reason}`,
      ),
  }),
})
