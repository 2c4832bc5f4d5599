import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, orNothing } from '../detector.ts'
import { idOf, objectOf, textOf } from './json-metadata.ts'

/** DigitalOcean droplets. */
export default defineDetector({
  type: 'digitalocean',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.provider': true,
      'cloud.region': true,
      'host.id': true,
      'host.name': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    detect: (signal) =>
      orNothing(
        world,
        'DigitalOcean',
        async () => {
          const metadata = objectOf(await world.http.json('http://169.254.169.254/metadata/v1.json', { signal }))
          const found = new Found(resource_attributes)
          found.set('cloud.provider', 'digitalocean')
          found.set('host.id', idOf(metadata['droplet_id'] ?? 0))
          found.set('host.name', textOf(metadata['hostname']))
          found.set('cloud.region', textOf(metadata['region']))
          return found.done()
        },
        (reason) => `digitalocean metadata unavailable: ${reason}`,
      ),
  }),
})
