import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, nothing, orNothing } from '../detector.ts'
import { azureCompute, azureField } from './azure-compute.ts'

/** Azure Kubernetes Service: Kubernetes on an Azure machine. */
export default defineDetector({
  type: 'aks',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.platform': true,
      'cloud.provider': true,
      'k8s.cluster.name': false,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect(signal) {
      if ((world.env['KUBERNETES_SERVICE_HOST'] ?? '') === '') return nothing
      return orNothing(
        world,
        'AKS',
        async () => {
          const compute = await azureCompute(world, signal)
          const found = new Found(resource_attributes)
          found.set('cloud.provider', 'azure')
          found.set('cloud.platform', 'azure.aks')
          found.set('k8s.cluster.name', clusterOf(azureField(compute, 'resourceGroupName')))
          return found.done()
        },
        (reason) => `aks metadata unavailable: ${reason}`,
      )
    },
  }),
})

/** `MC_<group>_<cluster>_<location>` is what AKS calls its own groups; any other name stands for the cluster. */
export function clusterOf(resourceGroup: string): string {
  const parts = resourceGroup.split('_')
  return parts.length === 4 && parts[0]?.toLowerCase() === 'mc' ? (parts[2] ?? '') : resourceGroup
}
