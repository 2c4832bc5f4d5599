import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, nothing } from '../detector.ts'

/** AWS Lambda, by the variables that its runtime sets. */
export default defineDetector({
  type: 'lambda',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'aws.log.group.names': true,
      'aws.log.stream.names': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'faas.instance': true,
      'faas.max_memory': true,
      'faas.name': true,
      'faas.version': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect() {
      const { env } = world
      const name = env['AWS_LAMBDA_FUNCTION_NAME'] ?? ''
      if (name === '') {
        if (world.mustFind) throw new Error('lambda metadata unavailable: AWS_LAMBDA_FUNCTION_NAME env var not set')
        world.logger.debug('not running on AWS Lambda')
        return nothing
      }
      const found = new Found(resource_attributes)
      const take = (attribute: string, variable: string, isList = false) => {
        const value = env[variable]
        if (value !== undefined) found.set(attribute, isList ? [value] : value)
      }
      found.set('cloud.provider', 'aws')
      found.set('cloud.platform', 'aws_lambda')
      take('cloud.region', 'AWS_REGION')
      found.set('faas.name', name)
      take('faas.version', 'AWS_LAMBDA_FUNCTION_VERSION')
      take('faas.instance', 'AWS_LAMBDA_LOG_STREAM_NAME')
      take('faas.max_memory', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE')
      take('aws.log.group.names', 'AWS_LAMBDA_LOG_GROUP_NAME', true)
      take('aws.log.stream.names', 'AWS_LAMBDA_LOG_STREAM_NAME', true)
      return found.done()
    },
  }),
})
