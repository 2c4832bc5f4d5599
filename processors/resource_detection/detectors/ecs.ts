import { z } from 'zod'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { attributeSwitches, defineDetector, Found, nothing, type World } from '../detector.ts'
import { type JsonObject, listOf, objectOf, textOf } from './json-metadata.ts'

/** AWS ECS tasks, by the task metadata endpoint of version 4 or 3. */
export default defineDetector({
  type: 'ecs',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'aws.ecs.cluster.arn': true,
      'aws.ecs.launchtype': true,
      'aws.ecs.task.arn': true,
      'aws.ecs.task.family': true,
      'aws.ecs.task.id': true,
      'aws.ecs.task.revision': true,
      'aws.log.group.arns': true,
      'aws.log.group.names': true,
      'aws.log.stream.arns': true,
      'aws.log.stream.names': true,
      'cloud.account.id': true,
      'cloud.availability_zone': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect(signal) {
      const endpoint = endpointOf(world)
      if (endpoint === undefined) {
        if (world.mustFind) throw new Error('ecs metadata unavailable: no task metadata endpoint detected')
        return nothing
      }
      const read = async (path: string) => objectOf(await world.http.json(`${endpoint}${path}`, { signal }))
      const task = await read('/task').catch((error: unknown) => {
        throw new Error(`unable to fetch task metadata: ${errorMessage(error)}`, { cause: error })
      })
      const arn = textOf(task['TaskARN'])
      const { region, account, id } = partsOf(arn)
      const cluster = textOf(task['Cluster'])
      const found = new Found(resource_attributes)
      found.set('cloud.provider', 'aws')
      found.set('cloud.platform', 'aws_ecs')
      found.set('aws.ecs.task.arn', arn)
      found.set('aws.ecs.task.family', textOf(task['Family']))
      found.set('aws.ecs.task.revision', textOf(task['Revision']))
      found.setUnlessEmpty('cloud.account.id', account)
      found.setUnlessEmpty('cloud.region', region)
      found.setUnlessEmpty('aws.ecs.task.id', id)
      const isArn = cluster.includes(':')
      found.set('aws.ecs.cluster.arn', isArn ? cluster : `arn:aws:ecs:${region}:${account}:cluster/${cluster}`)
      found.setUnlessEmpty('cloud.availability_zone', textOf(task['AvailabilityZone']))
      const launchType = textOf(task['LaunchType']).toLowerCase()
      if (launchType === 'ec2' || launchType === 'fargate') found.set('aws.ecs.launchtype', launchType)

      try {
        setLogs(found, listOf(task['Containers']).map(objectOf), textOf((await read(''))['DockerId']), account)
      } catch (error) {
        // The task is known; only its logs are not.
        if (world.mustFind)
          throw new Error(`ecs container metadata unavailable: ${errorMessage(error)}`, { cause: error })
      }
      return found.done()
    },
  }),
})

function endpointOf({ env }: World): string | undefined {
  for (const name of ['ECS_CONTAINER_METADATA_URI_V4', 'ECS_CONTAINER_METADATA_URI']) {
    const url = (env[name] ?? '').trim()
    if (URL.canParse(url)) return url.replace(/\/$/, '')
  }
  return undefined
}

/** `arn:aws:ecs:<region>:<account>:task/[<cluster>/]<id>`. */
function partsOf(arn: string): { region: string; account: string; id: string } {
  const parts = arn.split(':')
  if (parts.length < 6) return { region: '', account: '', id: '' }
  return { region: parts[3] ?? '', account: parts[4] ?? '', id: parts[5]?.split('/').at(-1) ?? '' }
}

/** Of the containers that run beside us and log to CloudWatch. */
function setLogs(found: Found, containers: readonly JsonObject[], ownId: string, account: string): void {
  const logs = containers
    .filter(
      (container) =>
        container['Type'] === 'NORMAL' &&
        container['KnownStatus'] === 'RUNNING' &&
        container['LogDriver'] === 'awslogs' &&
        container['DockerId'] !== ownId,
    )
    .map((container) => objectOf(container['LogOptions']))
    .map((options) => ({
      group: textOf(options['awslogs-group']),
      region: textOf(options['awslogs-region']),
      stream: textOf(options['awslogs-stream']),
    }))
    .filter(({ group, region, stream }) => group !== '' || region !== '' || stream !== '')
    .map((log) => ({ ...log, arn: `arn:aws:logs:${log.region}:${account}:log-group:${log.group}` }))
  if (logs.length === 0) return
  found.set(
    'aws.log.group.names',
    logs.map(({ group }) => group),
  )
  found.set(
    'aws.log.group.arns',
    logs.map(({ arn }) => arn),
  )
  found.set(
    'aws.log.stream.names',
    logs.map(({ stream }) => stream),
  )
  found.set(
    'aws.log.stream.arns',
    logs.map(({ arn, stream }) => `${arn}:log-stream:${stream}`),
  )
}
