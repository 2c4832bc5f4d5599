import type { World } from '../detector.ts'
import { type JsonObject, objectOf } from './json-metadata.ts'

/** What Azure's instance metadata service says of the virtual machine. */
export async function azureCompute(world: World, signal: AbortSignal): Promise<JsonObject> {
  const url = 'http://169.254.169.254/metadata/instance/compute?api-version=2020-09-01&format=json'
  return objectOf(await world.http.json(url, { headers: { metadata: 'true' }, signal }))
}
/** Go reads the names of fields in any case, and the service has written them in several. */
export function azureField(compute: JsonObject, name: string): string {
  const value = compute[name] ?? Object.entries(compute).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return typeof value === 'string' ? value : ''
}
