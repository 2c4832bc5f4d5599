/** WebGPU in Node: Dawn out of the optional package `webgpu` under `@tensorflow/tfjs-backend-webgpu`. */
import type * as Tf from '@tensorflow/tfjs'
import type { BackendSettings } from './backend.ts'

/** Above the defaults of WebGPU only what the adapter has: a forest and a batch of rows do not fit into the defaults. */
const wantedLimits = [
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
] as const

/** Dawn ends its device when nobody holds what made it. */
const held: unknown[] = []

export async function openWebGpu(tf: typeof Tf, { allowSoftwareGpu = false, lost }: BackendSettings): Promise<string> {
  const { create, globals } = await optional(() => import('webgpu'), 'webgpu@0.6.2')
  const gpu = create([])
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) throw new Error('there is no adapter: no driver for Vulkan, Metal or Direct3D 12 was found')
  const { info } = adapter
  const name = info.description || info.device || info.vendor
  if (info.isFallbackAdapter && !allowSoftwareGpu)
    throw new Error(`its only adapter computes on the CPU (${name}); \`allow_software_gpu\` would take it`)
  const requiredLimits = Object.fromEntries(wantedLimits.map((limit) => [limit, adapter.limits[limit]]))
  const device = await adapter.requestDevice({ requiredLimits })
  held.push(gpu, device)
  // The backend refers to GPUBuffer and the like as globals, and refuses to work where `navigator` has no GPU.
  Object.assign(globalThis, globals)
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true })
  const { WebGPUBackend } = await optional(
    () => import('@tensorflow/tfjs-backend-webgpu'),
    `@tensorflow/tfjs-backend-webgpu@${tf.version_core}`,
  )
  if (tf.findBackendFactory('webgpu') !== undefined && tf.findBackendFactory('webgpu') !== null)
    tf.removeBackend('webgpu')
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, info))
  if (!(await tf.setBackend('webgpu'))) throw new Error(`the backend does not start on ${name}`)
  // Else operations on few numbers are silently computed on the CPU.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  void device.lost.then(({ message, reason }) => lost?.(message || reason))
  return name
}

async function optional<T>(load: () => Promise<T>, name: string): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new Error(
      code === 'ERR_MODULE_NOT_FOUND'
        ? `${name} is not installed: npm install ${name}`
        : `${name} does not load: ${message}`,
      { cause },
    )
  }
}
