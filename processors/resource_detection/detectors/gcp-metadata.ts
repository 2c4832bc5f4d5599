/** Google's metadata server, and the one call of the Compute API that its answers do not replace. */
import { pause } from '../../../pipeline/kubernetes/pause.ts'
import type { World } from '../detector.ts'
import { StatusError } from '../metadata-client.ts'
import { type JsonObject, objectOf, textOf } from './json-metadata.ts'

const defaultHost = '169.254.169.254'
const attempts = 3

export class GcpMetadata {
  readonly #world: World
  readonly #signal: AbortSignal

  constructor(world: World, signal: AbortSignal) {
    this.#world = world
    this.#signal = signal
  }

  /** Whether the server is Google's. Whoever names one is believed. */
  async isThere(): Promise<boolean> {
    if ((this.#world.env['GCE_METADATA_HOST'] ?? '') !== '') return true
    const product = await this.#world.readFile('/sys/class/dmi/id/product_name').catch(() => '')
    const timeoutMs = product.startsWith('Google') ? 5_000 : 2_000
    try {
      const answer = await this.#world.http.ask(`http://${defaultHost}/`, { timeoutMs, signal: this.#signal })
      return answer.headers['metadata-flavor'] === 'Google'
    } catch {
      return false
    }
  }

  /** Below `/computeMetadata/v1/`. Throws `StatusError` 404 for what is not defined. */
  async get(path: string): Promise<string> {
    const host = this.#world.env['GCE_METADATA_HOST'] || defaultHost
    const headers = { 'metadata-flavor': 'Google' }
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#world.http.text(`http://${host}/computeMetadata/v1/${path}`, {
          headers,
          signal: this.#signal,
        })
      } catch (error) {
        const isPassing = error instanceof StatusError && error.status >= 500
        if (!isPassing || attempt === attempts) throw error
        await pause(100 * 2 ** attempt, this.#world.clock, this.#signal)
      }
    }
  }
  async trimmed(path: string): Promise<string> {
    return (await this.get(path)).trim()
  }
  /** The last part of `projects/1/zones/us-central1-a`. */
  async lastPart(path: string): Promise<string> {
    const text = await this.trimmed(path)
    return text.slice(text.lastIndexOf('/') + 1)
  }

  /** The instance as the Compute API knows it, for which our service account needs `compute.instances.get`. */
  async instance(): Promise<JsonObject> {
    const [project, zone, name] = await Promise.all([
      this.trimmed('project/project-id'),
      this.lastPart('instance/zone'),
      this.trimmed('instance/name'),
    ])
    const token = textOf(
      objectOf(JSON.parse(await this.get('instance/service-accounts/default/token')))['access_token'],
    )
    const path = [project, zone, name].map(encodeURIComponent)
    const url = `https://compute.googleapis.com/compute/v1/projects/${path[0]}/zones/${path[1]}/instances/${path[2]}`
    const headers = { authorization: `Bearer ${token}` }
    return objectOf(await this.#world.http.json(url, { headers, signal: this.#signal }))
  }
}
