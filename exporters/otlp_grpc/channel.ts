/** How the exporter connects: target, proxy, TLS and what grpc-js needs to be told of them. */
import tls from 'node:tls'
import grpc from '@grpc/grpc-js'
import { parseGrpcEndpoint } from '../../pipeline/net/grpc-client-keys.ts'
import { type Environment, proxiesOf } from '../../pipeline/net/proxy.ts'
import type { Config } from './config.ts'

export interface ChannelParts {
  readonly config: Config
  readonly userAgent: string
  /** Of `clientTls`; undefined = plain text. */
  readonly tls: tls.ConnectionOptions | undefined
  /** Where HTTPS_PROXY and NO_PROXY are. */
  readonly env: Environment
}

export interface OpenChannel {
  readonly channel: grpc.Channel
  readonly credentials: grpc.ChannelCredentials
  readonly target: string
}

/** Whether nothing on the wire is encrypted. */
export function isPlainText(config: Config, options: tls.ConnectionOptions | undefined): boolean {
  const endpoint = parseGrpcEndpoint(config.endpoint)
  return options === undefined && !('isHttps' in endpoint && endpoint.isHttps)
}

/** Throws when the endpoint or the proxy cannot be used. Connects at once, as upstream does, but waits for nothing. */
export function openChannel({ config, userAgent, tls: options, env }: ChannelParts): OpenChannel {
  const endpoint = parseGrpcEndpoint(config.endpoint)
  if ('problem' in endpoint) throw new Error(endpoint.problem)
  const credentials = isPlainText(config, options)
    ? grpc.credentials.createInsecure()
    : grpc.credentials.createFromSecureContext(options?.secureContext ?? tls.createSecureContext(options ?? {}), {
        rejectUnauthorized: options?.rejectUnauthorized ?? true,
      })
  const proxied = throughProxy(endpoint.target, env)
  const target = proxied?.target ?? endpoint.target
  const channel = new grpc.Channel(target, credentials, { ...proxied?.options, ...optionsOf(config, userAgent) })
  return { channel, credentials, target }
}

/** As grpc-go: every target that has a host goes by HTTPS_PROXY. grpc-js would read other variables, so it is told what to do. */
function throughProxy(
  target: string,
  env: Environment,
): { readonly target: string; readonly options: grpc.ChannelOptions } | undefined {
  const address = target.replace(/^dns:(?:\/\/[^/]*\/)?/, '')
  if (/^(?:unix|ipv4|ipv6):/.test(target) || !URL.canParse(`https://${address}`)) return undefined
  const proxy = proxiesOf(env)(new URL(`https://${address}`))
  if (proxy === undefined) return undefined
  if (proxy.protocol !== 'http:') throw new Error('HTTPS_PROXY: gRPC goes through http:// proxies only')
  const credentials = proxy.username === '' ? undefined : decodeURIComponent(`${proxy.username}:${proxy.password}`)
  return {
    target: `dns:${proxy.hostname}:${proxy.port || '80'}`,
    options: {
      'grpc.http_connect_target': `dns:${address}`,
      ...(credentials === undefined ? {} : { 'grpc.http_connect_creds': credentials }),
      'grpc.default_authority': address,
    },
  }
}

function optionsOf(config: Config, userAgent: string): grpc.ChannelOptions {
  const options: grpc.ChannelOptions = {
    'grpc.primary_user_agent': config.user_agent || userAgent,
    'grpc.max_send_message_length': -1,
    'grpc.enable_http_proxy': 0,
    // Every exporter has its own connections, so that their settings do not mix.
    'grpc.use_local_subchannel_pool': 1,
    // Or each resolution asks DNS for a TXT record too.
    'grpc.service_config_disable_resolution': 1,
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ [config.balancer_name || 'pick_first']: {} }],
    }),
  }
  if (config.authority !== '') options['grpc.default_authority'] = config.authority
  if (config.tls.server_name_override !== '') {
    options['grpc.ssl_target_name_override'] = config.tls.server_name_override
    options['grpc.default_authority'] ??= config.tls.server_name_override
  }
  if (config.keepalive) {
    options['grpc.keepalive_time_ms'] = config.keepalive.time
    options['grpc.keepalive_timeout_ms'] = config.keepalive.timeout
    options['grpc.keepalive_permit_without_calls'] = config.keepalive.permit_without_stream ? 1 : 0
  }
  return options
}
