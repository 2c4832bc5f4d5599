import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, nothing } from '../detector.ts'

/** Azure Container Apps. */
export default defineDetector({
  type: 'azurecontainerapps',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'azure.container_app.instance.id': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'service.name': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect() {
      const app = world.env['CONTAINER_APP_NAME'] ?? ''
      if (app === '') {
        if (world.mustFind) throw new Error('azure container apps metadata unavailable')
        return nothing
      }
      const found = new Found(resource_attributes)
      found.set('cloud.provider', 'azure')
      found.set('cloud.platform', 'azure.container_apps')
      found.set('service.name', app)
      found.setUnlessEmpty('azure.container_app.instance.id', world.env['CONTAINER_APP_REPLICA_NAME'])
      return found.done()
    },
  }),
})
