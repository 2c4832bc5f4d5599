import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, orNothing } from '../detector.ts'
import { azureCompute, azureField } from './azure-compute.ts'
import { listOf, objectOf, textOf } from './json-metadata.ts'
import { compilePatterns, matchesAny, patternList } from './patterns.ts'

const renameGate = 'processor.azuredetector.RenameResourceGroupAttribute'

/** Azure virtual machines. */
export default defineDetector({
  type: 'azure',
  config: z.strictObject({
    tags: patternList().describe('RE2 patterns; tags of the machine that match become `azure.tag.<name>`.'),
    resource_attributes: attributeSwitches({
      'azure.resource_group.name': true,
      'azure.resourcegroup.name': true,
      'azure.vm.name': true,
      'azure.vm.scaleset.name': true,
      'azure.vm.size': true,
      'cloud.account.id': true,
      'cloud.availability_zone': false,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'host.id': true,
      'host.name': true,
    }),
  }),
  create: ({ tags, resource_attributes }, world) => {
    const patterns = compilePatterns(tags)
    return {
      detect: (signal) =>
        orNothing(
          world,
          'Azure',
          async () => {
            const compute = await azureCompute(world, signal)
            const name = azureField(compute, 'name')
            const found = new Found(resource_attributes)
            found.set('cloud.provider', 'azure')
            found.set('cloud.platform', 'azure.vm')
            // A machine made of a specialised disk has no profile.
            found.setUnlessEmpty('host.name', textOf(objectOf(compute['osProfile'])['computerName']) || name)
            found.set('cloud.region', azureField(compute, 'location'))
            found.set('host.id', azureField(compute, 'vmId'))
            found.set('cloud.account.id', azureField(compute, 'subscriptionId'))
            found.setUnlessEmpty('cloud.availability_zone', azureField(compute, 'zone'))
            found.set('azure.vm.name', name)
            found.set('azure.vm.size', azureField(compute, 'vmSize'))
            found.setUnlessEmpty('azure.vm.scaleset.name', azureField(compute, 'vmScaleSetName'))
            const group = world.hasGate(renameGate) ? 'azure.resource_group.name' : 'azure.resourcegroup.name'
            found.set(group, azureField(compute, 'resourceGroupName'))
            for (const tag of listOf(compute['tagsList']).map(objectOf)) {
              const key = textOf(tag['name'])
              if (matchesAny(patterns, key)) found.add(`azure.tag.${key}`, textOf(tag['value']))
            }
            return found.done()
          },
          (reason) => `azure metadata unavailable: ${reason}`,
        ),
    }
  },
})
