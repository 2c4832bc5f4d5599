import { readFile } from 'node:fs/promises'
import { type Context, defineProcessor } from '../../pipeline/component.ts'
import type { Batches } from '../../pipeline/data/telemetry.ts'
import { ownPod } from '../../pipeline/kubernetes/access.ts'
import { clientDoor } from '../../pipeline/net/client-door.ts'
import { HttpClient } from '../../pipeline/net/http-client.ts'
import { type Config, config } from './config.ts'
import { Detection } from './detection.ts'
import type { World } from './detector.ts'
import { detectorTypes } from './detector-types.ts'
import { ownNames } from './host-names.ts'
import { MetadataClient } from './metadata-client.ts'
import { restoreDetected, saveDetected } from './saved-detection.ts'

export default defineProcessor({
  type: 'resource_detection',
  aliases: ['resourcedetection'],
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta' },
  placement: 'each',
  create(settings, context) {
    let client: HttpClient | undefined
    const world = worldOf(settings, context, () => client)
    const detectors = settings.detectors.map((name) => {
      const type = name.trim()
      const known = detectorTypes.get(type)
      if (known === undefined) throw new Error(`there is no detector ${type}`)
      return { type, detector: known.create((settings as Record<string, unknown>)[known.section], world) }
    })
    const detection = new Detection(detectors, settings, context)
    let isRestored = false

    const edit = <S extends 'traces' | 'metrics' | 'logs'>(batch: Batches[S]): Batches[S] => {
      const { attributes, schemaUrl } = detection.current
      if (attributes.size === 0 && schemaUrl === '') return batch
      return batch.editResources((resource) => {
        if (schemaUrl !== '' && resource.schemaUrl === '') resource.schemaUrl = schemaUrl
        for (const [name, value] of attributes)
          if (settings.override || !resource.attributes.has(name)) resource.attributes.set(name, value)
      }) as Batches[S]
    }
    return {
      async start() {
        const deprecated = deprecatedSwitches(settings)
        if (deprecated.length > 0) {
          context.logger.warn(
            'per-detector fail_on_missing_metadata fields are deprecated; use the top-level fail_on_missing_metadata instead',
            { affected_detectors: deprecated },
          )
        }
        const door = clientDoor(context, settings, 'http')
        client = new HttpClient(settings, { door, clock: context.clock, logger: context.logger })
        context.meter.gauge(
          'otelcol_resourcedetection_attributes_detected',
          () => detection.current.attributes.size,
          {},
          'Number of resource attributes in the currently detected resource.',
        )
        if (!isRestored) {
          await detection.refresh(context.signal).catch((error: unknown) => {
            client?.close()
            throw error
          })
        }
        if (settings.refresh_interval > 0) {
          context.clock.every(settings.refresh_interval, () =>
            detection.refresh(context.signal).catch((error: unknown) => {
              context.logger.warn('resource refresh failed', { error: String(error) })
            }),
          )
        }
      },
      async shutdown() {
        client?.close()
      },
      save: async () => saveDetected(detection.current, settings),
      async restore(state) {
        const detected = restoreDetected(state, settings)
        if (detected === undefined) return
        detection.adopt(detected)
        isRestored = true
      },
      traces: edit<'traces'>,
      metrics: edit<'metrics'>,
      logs: edit<'logs'>,
    }
  },
})

function worldOf(settings: Config, context: Context, client: () => HttpClient | undefined): World {
  const { clock, logger, engine } = context
  const read = (path: string) => readFile(path, 'utf8')
  return {
    env: process.env,
    readFile: read,
    platform: process.platform,
    names: ownNames(read),
    http: new MetadataClient(),
    post: async (request) => {
      const open = client()
      if (open === undefined) throw new Error('the processor was not started')
      return open.post(request)
    },
    pod: ownPod,
    clock,
    logger,
    mustFind: settings.fail_on_missing_metadata,
    hasGate: (id) => engine.featureGates.some((gate) => gate.id === id && gate.enabled),
  }
}

/** The blocks that still have the switch of their own on. */
function deprecatedSwitches(settings: Config): string[] {
  const blocks = settings as Record<string, unknown>
  return ['ec2', 'alibaba_ecs', 'tencent_cvm', 'upcloud', 'vultr', 'nova'].filter(
    (name) => (blocks[name] as { fail_on_missing_metadata?: boolean }).fail_on_missing_metadata === true,
  )
}
