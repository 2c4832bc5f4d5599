import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, failKey, orNothing } from '../detector.ts'
import { objectOf, textOf } from './json-metadata.ts'

/** UpCloud servers. */
export default defineDetector({
  type: 'upcloud',
  config: z.strictObject({
    fail_on_missing_metadata: failKey,
    resource_attributes: attributeSwitches({
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
        orNothing(world, 'UpCloud', async () => {
          const url = 'http://169.254.169.254/metadata/v1.json'
          const metadata = objectOf(await world.http.json(url, { timeoutMs: 2_000, signal }))
          const found = new Found(resource_attributes)
          found.set('cloud.provider', textOf(metadata['cloud_name']))
          found.set('cloud.region', textOf(metadata['region']))
          found.set('host.id', textOf(metadata['instance_id']))
          found.set('host.name', textOf(metadata['hostname']))
          return found.done()
        }),
    }
  },
})
