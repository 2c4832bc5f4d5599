/** The EC2 instance metadata service, version 2: a session token first, and version 1 where the service knows no tokens. */
import { pause } from '../../../pipeline/kubernetes/pause.ts'
import type { World } from '../detector.ts'
import { StatusError } from '../metadata-client.ts'
import { objectOf, textOf } from './json-metadata.ts'

export interface Instance {
  readonly accountId: string
  readonly availabilityZone: string
  readonly imageId: string
  readonly instanceId: string
  readonly instanceType: string
  readonly region: string
}
export interface Imds {
  /** Below `/latest/meta-data/`. */
  metadata(path: string): Promise<string>
  /** The instance identity document. */
  document(): Promise<Instance>
}
export interface ImdsOptions {
  readonly maxAttempts: number
  readonly maxBackoffMs: number
}

const tokenSeconds = '300'

export function openImds(world: World, options: ImdsOptions, signal: AbortSignal): Imds {
  if ((world.env['AWS_EC2_METADATA_DISABLED'] ?? '').toLowerCase() === 'true') {
    const refuse = () => Promise.reject(new Error('access disabled to EC2 IMDS via AWS_EC2_METADATA_DISABLED'))
    return { metadata: refuse, document: refuse }
  }
  const base = endpointOf(world)
  let token: Promise<string | undefined> | undefined
  const askToken = async (): Promise<string | undefined> => {
    const answer = await world.http
      .ask(`${base}/latest/api/token`, {
        method: 'PUT',
        headers: { 'x-aws-ec2-metadata-token-ttl-seconds': tokenSeconds },
        timeoutMs: 1_000,
        signal,
      })
      .catch(() => undefined)
    if (answer?.status === 400) throw new StatusError(`${base}/latest/api/token`, answer)
    return answer?.status === 200 ? answer.text : undefined
  }
  const read = async (path: string): Promise<string> => {
    token ??= askToken()
    const known = await token
    const headers: Record<string, string> = known === undefined ? {} : { 'x-aws-ec2-metadata-token': known }
    return world.http.text(`${base}${path}`, { headers, timeoutMs: 2_000, signal })
  }
  const readPatiently = async (path: string): Promise<string> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read(path)
      } catch (error) {
        const isFinal = error instanceof StatusError && error.status < 500 && error.status !== 401
        if (isFinal || attempt >= Math.max(1, options.maxAttempts) || signal.aborted) throw error
        if (error instanceof StatusError && error.status === 401) token = undefined
        await pause(Math.min(100 * 2 ** attempt, options.maxBackoffMs), world.clock, signal)
      }
    }
  }
  return {
    metadata: (path) => readPatiently(`/latest/meta-data/${path}`),
    async document() {
      const document = objectOf(
        JSON.parse(await readPatiently('/latest/dynamic/instance-identity/document')) as unknown,
      )
      return {
        accountId: textOf(document['accountId']),
        availabilityZone: textOf(document['availabilityZone']),
        imageId: textOf(document['imageId']),
        instanceId: textOf(document['instanceId']),
        instanceType: textOf(document['instanceType']),
        region: textOf(document['region']),
      }
    },
  }
}

function endpointOf({ env }: World): string {
  const own = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? ''
  if (own !== '') return own.replace(/\/$/, '')
  const isIpv6 = (env['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE'] ?? '').toLowerCase() === 'ipv6'
  return isIpv6 ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254'
}
