/** Computes models with TensorFlow.js on a thread of its own, on the GPU where there is one: for the processors that name it. */

import { Inference, type InferenceState } from '../../models/runtime/inference.ts'
import type { Memory, Model } from '../../models/runtime/messages.ts'
import type { Capability } from '../../pipeline/capability/capability.ts'
import type { Inference as Offered } from '../../pipeline/capability/inference.ts'
import { inference as capability } from '../../pipeline/capability/inference.ts'
import { type Context, defineExtension } from '../../pipeline/component.ts'
import { type Config, config } from './config.ts'

const memoryEveryMs = 10_000

export default defineExtension({
  type: 'models',
  config,
  signals: { extension: 'alpha' },
  create(settings, context) {
    const { clock } = context
    let inference: Inference | undefined
    let memory: Memory | undefined
    let stop: (() => void) | undefined
    const offered: Offered = {
      load: (model) =>
        inference === undefined
          ? Promise.reject(new Error('the models are not started'))
          : inference.load(model as Model),
    }
    return {
      provides: new Map([[capability as Capability<unknown>, offered]]),
      async start() {
        inference = await begin(settings, context)
        const running = inference
        measure(running, () => memory, context)
        stop = clock.every(memoryEveryMs, async () => {
          memory = await running.memory()
        })
      },
      async shutdown() {
        stop?.()
        await inference?.close()
      },
    }
  },
})

function begin(settings: Config, context: Context): Promise<Inference> {
  const { logger } = context
  let wasLost = false
  const changed = (state: InferenceState): void => {
    if (state.kind === 'working') {
      const { name, device, refused, startMs } = state.backend
      const said = { backend: name, device, refused, start_ms: Math.round(startMs) }
      if (wasLost) logger.warn('Models are computed again; what had waited was computed by those who asked.', said)
      else logger.info(`Models are computed by TensorFlow.js on ${name}.`, said)
      wasLost = false
      context.status('ok')
      return
    }
    wasLost = true
    logger.warn('The thread that computes models was lost; another is started, and until then those who ask compute.', {
      why: state.why,
    })
    context.status('recoverable', `models: ${state.why}`)
  }
  return Inference.start({
    backend: settings.backend,
    allowSoftwareGpu: settings.allow_software_gpu,
    maxValues: settings.max_pending_values,
    maxModels: settings.max_models,
    changed,
  })
}

function measure(inference: Inference, memory: () => Memory | undefined, { meter }: Context): void {
  const name = (rest: string) => `otelcol_extension_models_${rest}`
  const { name: backend = 'none', device = '' } = inference.backend ?? {}
  meter.gauge(
    name('backend_info'),
    () => (inference.backend?.name === backend ? 1 : 0),
    { backend, device },
    '1 while the backend that was chosen at the start computes.',
  )
  meter.gauge(name('loaded'), () => inference.models, {}, 'Models that are loaded.')
  meter.gauge(name('pending_values'), () => inference.valuesUnderWay, {}, 'Numbers that wait for the thread.')
  meter.gauge(name('tensors'), () => memory()?.tensors ?? 0, {}, 'Tensors that the backend holds.')
  meter.gauge(name('tensor_bytes'), () => memory()?.bytes ?? 0, {}, 'What they take.')
  meter.observedCounter(name('scored_rows'), () => inference.scoredRows, {}, 'Rows that were scored on the thread.')
  meter.observedCounter(
    name('refused_batches'),
    () => inference.refusedBatches,
    {},
    'Batches that found too many before them; whoever asked computed them.',
  )
  meter.observedCounter(name('restarts'), () => inference.restarts, {}, 'Threads that took the place of a lost one.')
}
