import { z } from 'zod'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { attributeSwitches, defineDetector, Found, nothing, type World } from '../detector.ts'
import { StatusError } from '../metadata-client.ts'
import { GcpMetadata } from './gcp-metadata.ts'
import { objectOf, textOf } from './json-metadata.ts'
import { compilePatterns, matchesAny, patternList } from './patterns.ts'

/** Google Cloud: Compute Engine, Kubernetes Engine, Cloud Run and its jobs, Cloud Functions, App Engine, Bare Metal. */
export default defineDetector({
  type: 'gcp',
  config: z.strictObject({
    labels: patternList().describe(
      'RE2 patterns; labels of a Compute Engine instance that match become `gcp.gce.instance.labels.<key>`.',
    ),
    resource_attributes: attributeSwitches({
      'cloud.account.id': true,
      'cloud.availability_zone': true,
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'faas.instance': true,
      'faas.name': true,
      'faas.version': true,
      'gcp.cloud_run.job.execution': true,
      'gcp.cloud_run.job.task_index': true,
      'gcp.gce.instance.hostname': false,
      'gcp.gce.instance.name': false,
      'gcp.gce.instance_group_manager.name': true,
      'gcp.gce.instance_group_manager.region': true,
      'gcp.gce.instance_group_manager.zone': true,
      'host.id': true,
      'host.name': true,
      'host.type': true,
      'k8s.cluster.name': true,
    }),
  }),
  create: ({ labels, resource_attributes }, world) => {
    const patterns = compilePatterns(labels)
    const isOn = (name: string) => resource_attributes[name]?.enabled === true
    return {
      async detect(signal) {
        const found = new Found(resource_attributes)
        const { env } = world
        if (env['BMS_PROJECT_ID'] && env['BMS_REGION'] && env['BMS_INSTANCE_ID']) {
          found.set('cloud.provider', 'gcp')
          found.set('cloud.platform', 'gcp_bare_metal_solution')
          found.set('cloud.account.id', env['BMS_PROJECT_ID'])
          found.set('cloud.region', env['BMS_REGION'])
          found.set('host.name', env['BMS_INSTANCE_ID'])
          return found.done()
        }
        const metadata = new GcpMetadata(world, signal)
        if (!(await metadata.isThere())) return nothing
        const gathering = new Gathering(found, metadata, world)
        found.set('cloud.provider', 'gcp')
        await gathering.set('cloud.account.id', () => metadata.trimmed('project/project-id'))
        const platform = await platformOf(world, metadata)
        await gather[platform](gathering, isOn)
        if (gathering.failures.length > 0 && world.mustFind) throw new Error(gathering.failures.join('\n'))
        if (platform === 'gce' && patterns.length > 0) {
          try {
            for (const [key, value] of Object.entries(objectOf((await metadata.instance())['labels'])))
              if (matchesAny(patterns, key)) found.add(`gcp.gce.instance.labels.${key}`, textOf(value))
          } catch (error) {
            world.logger.warn('failed fetching GCE labels', { error: errorMessage(error) })
          }
        }
        return found.done()
      },
    }
  },
})

type PlatformName = 'gke' | 'functions' | 'run' | 'runJob' | 'appEngineStandard' | 'appEngineFlex' | 'gce' | 'unknown'

async function platformOf({ env }: World, metadata: GcpMetadata): Promise<PlatformName> {
  const has = async (path: string) =>
    metadata.get(path).then(
      () => true,
      () => false,
    )
  const isSet = (name: string) => env[name] !== undefined
  // Kubernetes elsewhere has no location of a cluster.
  if (isSet('KUBERNETES_SERVICE_HOST') && (await has('instance/attributes/cluster-location'))) return 'gke'
  if (isSet('FUNCTION_TARGET')) return 'functions'
  if (isSet('K_CONFIGURATION')) return 'run'
  if (isSet('CLOUD_RUN_JOB')) return 'runJob'
  if (isSet('CLOUD_RUN_WORKER_POOL')) return 'run'
  if (env['GAE_ENV'] === 'standard') return 'appEngineStandard'
  if (isSet('GAE_SERVICE')) return 'appEngineFlex'
  return (await has('instance/machine-type')) ? 'gce' : 'unknown'
}

/** What fails is left out, and remembered. */
class Gathering {
  readonly found: Found
  readonly metadata: GcpMetadata
  readonly world: World
  readonly failures: string[] = []

  constructor(found: Found, metadata: GcpMetadata, world: World) {
    this.found = found
    this.metadata = metadata
    this.world = world
  }

  async set(name: string, ask: () => Promise<string>): Promise<void> {
    await this.attempt(async () => this.found.set(name, await ask()))
  }
  async attempt(ask: () => Promise<void>): Promise<void> {
    try {
      await ask()
    } catch (error) {
      this.failures.push(errorMessage(error))
    }
  }
  /** For what the surroundings may well refuse. */
  async maybe(name: string, ask: () => Promise<string>): Promise<void> {
    try {
      this.found.set(name, await ask())
    } catch (error) {
      this.world.logger.info(`${name} is not available`, { error: errorMessage(error) })
    }
  }
  /** The first of these variables that is set. */
  env(...names: string[]): () => Promise<string> {
    return async () => {
      for (const name of names) {
        const value = this.world.env[name]
        if (value !== undefined) return value
      }
      throw new Error(`none of ${names.join(', ')} is set`)
    }
  }
  async zoneAndRegion(): Promise<void> {
    await this.attempt(async () => {
      const zone = await this.metadata.lastPart('instance/zone')
      const parts = zone.split('-')
      if (parts.length < 3) throw new Error(`zone was not in the expected format: country-region-zone. Got ${zone}`)
      this.found.set('cloud.availability_zone', zone)
      this.found.set('cloud.region', `${parts[0]}-${parts[1]}`)
    })
  }
}

async function serverless(gathering: Gathering): Promise<void> {
  const { metadata } = gathering
  await gathering.set('faas.name', gathering.env('K_SERVICE', 'CLOUD_RUN_JOB', 'CLOUD_RUN_WORKER_POOL'))
  await gathering.set('faas.instance', () => metadata.trimmed('instance/id'))
  await gathering.set('cloud.region', () => metadata.lastPart('instance/region'))
}

async function appEngine(gathering: Gathering): Promise<void> {
  gathering.found.set('cloud.platform', 'gcp_app_engine')
  await gathering.set('faas.name', gathering.env('GAE_SERVICE'))
  await gathering.set('faas.version', gathering.env('GAE_VERSION'))
  await gathering.set('faas.instance', gathering.env('GAE_INSTANCE'))
}

const gather: Readonly<Record<PlatformName, (gathering: Gathering, isOn: (name: string) => boolean) => Promise<void>>> =
  {
    async gke(gathering, isOn) {
      const { found, metadata } = gathering
      found.set('cloud.platform', 'gcp_kubernetes_engine')
      await gathering.attempt(async () => {
        const place = await metadata.get('instance/attributes/cluster-location')
        const dashes = place.split('-').length - 1
        if (dashes !== 1 && dashes !== 2) throw new Error(`unrecognized format for cluster location: ${place}`)
        if (dashes === 2) found.set('cloud.availability_zone', place)
        found.set('cloud.region', dashes === 2 ? place.slice(0, place.lastIndexOf('-')) : place)
      })
      await gathering.set('k8s.cluster.name', () => metadata.get('instance/attributes/cluster-name'))
      await gathering.set('host.id', () => metadata.trimmed('instance/id'))
      // Workload identity hides the name, and the type needs a permission.
      await gathering.maybe('host.name', () => metadata.trimmed('instance/name'))
      if (!isOn('host.type')) return
      await gathering.maybe('host.type', async () => {
        const type = textOf((await metadata.instance())['machineType'])
        if (type === '') throw new Error('compute instances.get response missing machineType')
        return type.slice(type.lastIndexOf('/') + 1)
      })
    },
    async functions(gathering) {
      gathering.found.set('cloud.platform', 'gcp_cloud_functions')
      await serverless(gathering)
      await gathering.set('faas.version', gathering.env('CLOUD_RUN_REVISION', 'K_REVISION'))
    },
    async run(gathering) {
      gathering.found.set('cloud.platform', 'gcp_cloud_run')
      await serverless(gathering)
      await gathering.set('faas.version', gathering.env('CLOUD_RUN_REVISION', 'K_REVISION'))
    },
    async runJob(gathering) {
      gathering.found.set('cloud.platform', 'gcp_cloud_run')
      await serverless(gathering)
      await gathering.set('gcp.cloud_run.job.execution', gathering.env('CLOUD_RUN_EXECUTION'))
      await gathering.set('gcp.cloud_run.job.task_index', gathering.env('CLOUD_RUN_TASK_INDEX'))
    },
    async appEngineStandard(gathering) {
      await appEngine(gathering)
      await gathering.set('cloud.availability_zone', () => gathering.metadata.lastPart('instance/zone'))
      await gathering.set('cloud.region', () => gathering.metadata.lastPart('instance/region'))
    },
    async appEngineFlex(gathering) {
      await appEngine(gathering)
      await gathering.zoneAndRegion()
    },
    async gce(gathering) {
      const { found, metadata } = gathering
      found.set('cloud.platform', 'gcp_compute_engine')
      await gathering.zoneAndRegion()
      await gathering.set('host.type', () => metadata.get('instance/machine-type'))
      await gathering.set('host.id', () => metadata.trimmed('instance/id'))
      await gathering.set('host.name', () => metadata.trimmed('instance/name'))
      await gathering.set('gcp.gce.instance.hostname', () => metadata.trimmed('instance/hostname'))
      await gathering.set('gcp.gce.instance.name', () => metadata.trimmed('instance/name'))
      await gathering.attempt(() => setGroup(found, metadata))
    },
    unknown: async () => {},
  }

const groupPattern = /^projects\/[^/]+\/(zones|regions)\/([^/]+)\/instanceGroupManagers\/([^/]+)$/

/** Of an instance that a managed instance group has made. */
async function setGroup(found: Found, metadata: GcpMetadata): Promise<void> {
  const creator = await metadata.get('instance/attributes/created-by').catch((error: unknown) => {
    if (error instanceof StatusError && error.status === 404) return ''
    throw error
  })
  const [, kind, place, name] = groupPattern.exec(creator) ?? []
  if (place === undefined || name === undefined) return
  found.set('gcp.gce.instance_group_manager.name', name)
  found.set(`gcp.gce.instance_group_manager.${kind === 'zones' ? 'zone' : 'region'}`, place)
}
