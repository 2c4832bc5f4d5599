/** Two calls of the EC2 API: tags and instances. */
import { errorMessage } from '../../../pipeline/error-message.ts'
import type { World } from '../detector.ts'
import { findCredentials } from './aws-credentials.ts'
import { signPost } from './aws-signature.ts'
import type { Imds } from './imds.ts'
import { xmlElements, xmlText } from './xml-text.ts'

export interface InstancePlace {
  readonly region: string
  readonly instanceId: string
}
export interface DescribedInstance {
  readonly accountId: string
  readonly imageId: string
  readonly instanceType: string
  readonly hostname: string
  readonly tags: readonly (readonly [key: string, value: string])[]
}

const version = '2016-11-15'

export async function describeTags(
  world: World,
  imds: Imds,
  { region, instanceId }: InstancePlace,
  signal: AbortSignal,
): Promise<readonly (readonly [string, string])[]> {
  const query = { Action: 'DescribeTags', 'Filter.1.Name': 'resource-id', 'Filter.1.Value.1': instanceId }
  return tagsIn(await call(world, imds, region, query, signal))
}

/** Undefined where there is no such instance. */
export async function describeInstance(
  world: World,
  imds: Imds,
  { region, instanceId }: InstancePlace,
  signal: AbortSignal,
): Promise<DescribedInstance | undefined> {
  const query = { Action: 'DescribeInstances', 'InstanceId.1': instanceId }
  const xml = await call(world, imds, region, query, signal)
  const [reservation] = xmlElements(xmlElements(xml, 'reservationSet')[0] ?? '', 'item')
  const [instance] = xmlElements(xmlElements(reservation ?? '', 'instancesSet')[0] ?? '', 'item')
  if (reservation === undefined || instance === undefined) return undefined
  return {
    accountId: xmlText(reservation, 'ownerId'),
    imageId: xmlText(instance, 'imageId'),
    instanceType: xmlText(instance, 'instanceType'),
    hostname: xmlText(instance, 'privateDnsName'),
    tags: tagsIn(instance),
  }
}

function tagsIn(xml: string): (readonly [string, string])[] {
  return xmlElements(xmlElements(xml, 'tagSet')[0] ?? '', 'item').map(
    (item) => [xmlText(item, 'key'), xmlText(item, 'value')] as const,
  )
}

async function call(
  world: World,
  imds: Imds,
  region: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const credentials = await findCredentials(world, imds, region, signal).catch((error: unknown) => {
    throw new Error(`no AWS credentials: ${errorMessage(error)}`, { cause: error })
  })
  const place =
    world.env['AWS_ENDPOINT_URL_EC2'] || world.env['AWS_ENDPOINT_URL'] || `https://ec2.${region}.amazonaws.com`
  const url = new URL(place)
  const body = new URLSearchParams({ ...query, Version: version }).toString()
  const time = new Date(Number(world.clock.nowUnixNano() / 1_000_000n))
  const plain = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const headers = signPost({ url, region, service: 'ec2', headers: plain, body, time }, credentials)
  const answer = await world.post({ url, headers, chunks: [Buffer.from(body)], signal })
  const text = Buffer.from(answer.body).toString()
  if (answer.status === 200) return text
  throw new Error(`${query['Action']} answered ${answer.status}: ${xmlText(text, 'Message') || text.slice(0, 300)}`)
}
