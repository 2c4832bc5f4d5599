/** Who we are to AWS, in the SDKs' order: environment, web identity (IRSA), container (ECS, EKS Pod Identity), instance role. */
import type { World } from '../detector.ts'
import type { Credentials } from './aws-signature.ts'
import type { Imds } from './imds.ts'
import { objectOf, textOf } from './json-metadata.ts'
import { xmlText } from './xml-text.ts'

export async function findCredentials(
  world: World,
  imds: Imds,
  region: string,
  signal: AbortSignal,
): Promise<Credentials> {
  const env = (name: string) => world.env[name] ?? ''
  if (env('AWS_ACCESS_KEY_ID') !== '' && env('AWS_SECRET_ACCESS_KEY') !== '') {
    return {
      accessKeyId: env('AWS_ACCESS_KEY_ID'),
      secretAccessKey: env('AWS_SECRET_ACCESS_KEY'),
      sessionToken: env('AWS_SESSION_TOKEN'),
    }
  }
  if (env('AWS_WEB_IDENTITY_TOKEN_FILE') !== '' && env('AWS_ROLE_ARN') !== '') return webIdentity(world, region, signal)
  const container = env('AWS_CONTAINER_CREDENTIALS_FULL_URI') || relative(env('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'))
  if (container !== '') return containerCredentials(container, world, signal)
  const role = (await imds.metadata('iam/security-credentials/')).split('\n', 1)[0]?.trim() ?? ''
  if (role === '') throw new Error('the instance has no role, and the environment no AWS credentials')
  return fromJson(JSON.parse(await imds.metadata(`iam/security-credentials/${role}`)) as unknown)
}

function relative(path: string): string {
  return path === '' ? '' : `http://169.254.170.2${path}`
}

async function containerCredentials(
  url: string,
  { http, env, readFile }: World,
  signal: AbortSignal,
): Promise<Credentials> {
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'] ?? ''
  const token = file === '' ? (env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] ?? '') : (await readFile(file)).trim()
  const headers: Record<string, string> = token === '' ? {} : { authorization: token }
  return fromJson(await http.json(url, { headers, signal }))
}

async function webIdentity(world: World, region: string, signal: AbortSignal): Promise<Credentials> {
  const token = (await world.readFile(world.env['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '')).trim()
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: world.env['AWS_ROLE_ARN'] ?? '',
    RoleSessionName: world.env['AWS_ROLE_SESSION_NAME'] || 'vigil',
    WebIdentityToken: token,
  }).toString()
  const endpoint =
    world.env['AWS_ENDPOINT_URL_STS'] || world.env['AWS_ENDPOINT_URL'] || `https://sts.${region}.amazonaws.com`
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const answer = await world.post({ url: new URL(endpoint), headers, chunks: [Buffer.from(body)], signal })
  const text = Buffer.from(answer.body).toString()
  if (answer.status !== 200)
    throw new Error(`AssumeRoleWithWebIdentity answered ${answer.status}: ${text.slice(0, 300)}`)
  return {
    accessKeyId: xmlText(text, 'AccessKeyId'),
    secretAccessKey: xmlText(text, 'SecretAccessKey'),
    sessionToken: xmlText(text, 'SessionToken'),
  }
}

function fromJson(answer: unknown): Credentials {
  const fields = objectOf(answer)
  const accessKeyId = textOf(fields['AccessKeyId'])
  const secretAccessKey = textOf(fields['SecretAccessKey'])
  if (accessKeyId === '' || secretAccessKey === '') throw new Error('the answer holds no AWS credentials')
  return { accessKeyId, secretAccessKey, sessionToken: textOf(fields['Token']) }
}
