import { z } from 'zod'
import { attributeSwitches, defineDetector, Found } from '../detector.ts'

/** Heroku dynos, by the metadata that `heroku labs:enable runtime-dyno-metadata` puts into the environment. */
export default defineDetector({
  type: 'heroku',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.provider': true,
      'heroku.app.id': true,
      'heroku.dyno.id': true,
      'heroku.release.commit': true,
      'heroku.release.creation_timestamp': true,
      'service.instance.id': true,
      'service.name': true,
      'service.version': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect() {
      const { env } = world
      const found = new Found(resource_attributes)
      const take = (name: string, variable: string): boolean => {
        const value = env[variable]
        if (value !== undefined) found.set(name, value)
        return value !== undefined
      }
      const hasDyno = take('service.instance.id', 'HEROKU_DYNO_ID')
      const hasApp = take('heroku.app.id', 'HEROKU_APP_ID')
      if (!hasDyno && !hasApp && world.mustFind)
        throw new Error('heroku metadata unavailable: HEROKU_DYNO_ID and HEROKU_APP_ID env vars not set')
      if (!hasDyno) world.logger.debug('Heroku metadata is missing in part or altogether')
      if (hasApp) found.set('cloud.provider', 'heroku')
      take('service.name', 'HEROKU_APP_NAME')
      take('heroku.release.creation_timestamp', 'HEROKU_RELEASE_CREATED_AT')
      take('service.version', 'HEROKU_RELEASE_VERSION')
      take('heroku.release.commit', 'HEROKU_SLUG_COMMIT')
      return found.done()
    },
  }),
})
