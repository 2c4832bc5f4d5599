import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, failKey, nothing, orNothing } from '../detector.ts'
import { StatusError } from '../metadata-client.ts'
import { objectOf, textOf } from './json-metadata.ts'

/** Vultr Cloud Compute. */
export default defineDetector({
  type: 'vultr',
  config: z.strictObject({
    fail_on_missing_metadata: failKey,
    resource_attributes: attributeSwitches({
      'cloud.platform': false,
      'cloud.provider': true,
      'cloud.region': true,
      'host.id': true,
      'host.name': true,
    }),
  }),
  create: ({ fail_on_missing_metadata, resource_attributes }, given) => {
    const world = { ...given, mustFind: given.mustFind || fail_on_missing_metadata }
    return {
      detect: (signal) =>
        orNothing(world, 'Vultr', async () => {
          const url = 'http://169.254.169.254/v1.json'
          const answer = await world.http.ask(url, { timeoutMs: 2_000, signal }).catch(() => undefined)
          // Nobody there, or another cloud's service that does not know the path.
          if (answer === undefined || (answer.status >= 400 && answer.status <= 499)) {
            if (world.mustFind) throw new Error('vultr metadata unavailable')
            return nothing
          }
          if (answer.status < 200 || answer.status > 299) throw new StatusError(url, answer)
          const metadata = objectOf(JSON.parse(answer.text) as unknown)
          const found = new Found(resource_attributes)
          found.set('cloud.provider', 'vultr')
          found.set('cloud.platform', 'vultr.cloud_compute')
          found.setUnlessEmpty('host.id', textOf(metadata['instance-v2-id']) || textOf(metadata['instanceid']))
          found.setUnlessEmpty('host.name', textOf(metadata['hostname']))
          found.setUnlessEmpty('cloud.region', textOf(objectOf(metadata['region'])['regioncode']).toLowerCase())
          return found.done()
        }),
    }
  },
})
