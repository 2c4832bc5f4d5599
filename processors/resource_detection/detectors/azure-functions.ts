import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, nothing } from '../detector.ts'

/** Azure Functions. A Flex Consumption plan has neither the resource group nor the id of the instance, but the name of a pod. */
export default defineDetector({
  type: 'azurefunctions',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'azure.resource_group.name': true,
      'cloud.account.id': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'cloud.resource_id': true,
      'deployment.environment.name': false,
      'faas.instance': true,
      'service.name': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect() {
      const env = (name: string) => world.env[name] ?? ''
      if (env('FUNCTIONS_WORKER_RUNTIME') === '' && env('FUNCTIONS_EXTENSION_VERSION') === '') {
        world.logger.debug('not running on Azure Functions')
        if (world.mustFind) throw new Error('azure functions metadata unavailable')
        return nothing
      }
      const [site, group] = [env('WEBSITE_SITE_NAME'), env('WEBSITE_RESOURCE_GROUP')]
      const subscription = env('WEBSITE_OWNER_NAME').split('+', 1)[0] ?? ''
      const found = new Found(resource_attributes)
      found.set('cloud.provider', 'azure')
      found.set('cloud.platform', 'azure.functions')
      found.setUnlessEmpty('service.name', site)
      found.setUnlessEmpty('cloud.account.id', subscription)
      found.setUnlessEmpty('azure.resource_group.name', group)
      if (site !== '' && group !== '' && subscription !== '') {
        found.set(
          'cloud.resource_id',
          `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Web/sites/${site}`,
        )
      }
      found.setUnlessEmpty('cloud.region', env('REGION_NAME'))
      found.setUnlessEmpty('deployment.environment.name', env('WEBSITE_SLOT_NAME'))
      found.setUnlessEmpty('faas.instance', env('WEBSITE_INSTANCE_ID') || env('WEBSITE_POD_NAME'))
      return found.done()
    },
  }),
})
