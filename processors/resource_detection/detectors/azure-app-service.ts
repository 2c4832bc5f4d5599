import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, nothing } from '../detector.ts'

/** Azure App Service web apps, which share their machinery with Azure Functions. */
export default defineDetector({
  type: 'azureappservice',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'azure.app_service.instance.id': true,
      'azure.resource_group.name': true,
      'cloud.account.id': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'cloud.resource_id': true,
      'deployment.environment.name': true,
      'service.name': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect() {
      const env = (name: string) => world.env[name] ?? ''
      const [site, group, owner] = [env('WEBSITE_SITE_NAME'), env('WEBSITE_RESOURCE_GROUP'), env('WEBSITE_OWNER_NAME')]
      if (site === '' || group === '' || owner === '' || env('FUNCTIONS_WORKER_RUNTIME') !== '') {
        world.logger.debug('not running on Azure App Service')
        if (world.mustFind) throw new Error('azure app service metadata unavailable')
        return nothing
      }
      const subscription = owner.split('+', 1)[0] ?? ''
      const found = new Found(resource_attributes)
      found.set('cloud.provider', 'azure')
      found.set('cloud.platform', 'azure.app_service')
      found.set('service.name', site)
      found.set('cloud.account.id', subscription)
      found.set(
        'cloud.resource_id',
        `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Web/sites/${site}`,
      )
      found.set('azure.resource_group.name', group)
      found.setUnlessEmpty('cloud.region', env('REGION_NAME'))
      found.setUnlessEmpty('deployment.environment.name', env('WEBSITE_SLOT_NAME'))
      found.setUnlessEmpty('azure.app_service.instance.id', env('WEBSITE_INSTANCE_ID'))
      return found.done()
    },
  }),
})
