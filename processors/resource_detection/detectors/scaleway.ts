import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, orNothing, type World } from '../detector.ts'
import { objectOf, textOf } from './json-metadata.ts'

/** Instances without IPv4 have the second one only. */
const places = ['http://169.254.42.42', 'http://[fd00:42::42]']

/** Scaleway Instances. */
export default defineDetector({
  type: 'scaleway',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.account.id': true,
      'cloud.availability_zone': true,
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
        'Scaleway',
        async () => {
          const metadata = objectOf(await read(world, signal))
          const zone = textOf(objectOf(metadata['location'])['zone_id'])
          const image = objectOf(metadata['image'])
          const found = new Found(resource_attributes)
          found.set('cloud.account.id', textOf(metadata['organization']))
          found.set('cloud.availability_zone', zone)
          found.set('cloud.provider', 'scaleway_cloud')
          found.set('cloud.platform', 'scaleway_cloud_compute')
          if (zone.lastIndexOf('-') > 0) found.set('cloud.region', zone.slice(0, zone.lastIndexOf('-')))
          found.set('host.id', textOf(metadata['id']))
          found.set('host.image.id', textOf(image['id']))
          found.set('host.image.name', textOf(image['name']))
          found.set('host.name', textOf(metadata['name']))
          found.set('host.type', textOf(metadata['commercial_type']))
          return found.done()
        },
        (reason) => `scaleway metadata unavailable: ${reason}`,
      ),
  }),
})

async function read(world: World, signal: AbortSignal): Promise<unknown> {
  const ask = (place: string) => world.http.json(`${place}/conf?format=json`, { timeoutMs: 3_000, signal })
  try {
    return await ask(places[0] ?? '')
  } catch (error) {
    return ask(places[1] ?? '').catch(() => {
      throw error
    })
  }
}
