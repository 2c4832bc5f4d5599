import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, nothing } from '../detector.ts'
import { objectOf, textOf } from './json-metadata.ts'

const emitNew = 'processor.resourcedetection.elasticbeanstalk.EmitV1DeploymentConventions'
const dropOld = 'processor.resourcedetection.elasticbeanstalk.DontEmitV0DeploymentConventions'

/** AWS Elastic Beanstalk, by the file that it writes where X-Ray is on. */
export default defineDetector({
  type: 'elastic_beanstalk',
  section: 'elasticbeanstalk',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.platform': true,
      'cloud.provider': true,
      'deployment.environment': true,
      'deployment.environment.name': true,
      'deployment.id': true,
      'service.instance.id': true,
      'service.version': true,
    }),
  }),
  create: ({ resource_attributes }, world) => {
    const [isNew, isOld] = [world.hasGate(emitNew), !world.hasGate(dropOld)]
    if (!isOld && !isNew) throw new Error(`${dropOld} requires ${emitNew} to be enabled`)
    return {
      async detect() {
        const path =
          world.platform === 'win32'
            ? 'C:\\Program Files\\Amazon\\XRay\\environment.conf'
            : '/var/elasticbeanstalk/xray/environment.conf'
        const text = await world.readFile(path).catch((error: unknown) => {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
          throw error
        })
        if (text === undefined) {
          world.logger.debug('not running on Elastic Beanstalk, or without X-Ray')
          if (world.mustFind) throw new Error('elastic_beanstalk metadata unavailable')
          return nothing
        }
        const file = objectOf(JSON.parse(text) as unknown)
        const deployment = String(typeof file['deployment_id'] === 'number' ? file['deployment_id'] : 0)
        const environment = textOf(file['environment_name'])
        const found = new Found(resource_attributes)
        found.set('cloud.provider', 'aws')
        found.set('cloud.platform', 'aws_elastic_beanstalk')
        found.set('service.version', textOf(file['version_label']))
        if (isNew) found.set('deployment.environment.name', environment)
        if (isNew) found.set('deployment.id', deployment)
        if (isOld) found.set('deployment.environment', environment)
        if (isOld) found.set('service.instance.id', deployment)
        return found.done()
      },
    }
  },
})
