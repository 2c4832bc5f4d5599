/** `tls:` of every listener and client, with the keys, defaults and error texts of upstream's `configtls`. */
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import { z } from 'zod'
import { duration, list, secret } from '../config/fields.ts'
import { errorMessage } from '../error-message.ts'
import { curves, insecureSuites, secureSuites, tls13Suites, tlsVersions } from './tls-names.ts'

const tpmKeys = z.strictObject({
  enabled: z.boolean().default(false).describe('Read the private key from a TPM. Not supported: true is refused.'),
  path: z.string().default('').describe('Path of the TPM device.'),
  owner_auth: secret().default('').describe('Owner authorisation of the TPM.'),
  auth: secret().default('').describe('Authorisation of the key in the TPM.'),
})

const commonShape = {
  ca_file: z.string().default('').describe('CA certificates (PEM) that the other side is verified with.'),
  ca_pem: secret().default('').describe('The same, as text.'),
  include_system_ca_certs_pool: z.boolean().default(false).describe("Trust the system's CAs beside `ca_file`."),
  cert_file: z.string().default('').describe('Certificate (PEM) to present.'),
  cert_pem: secret().default('').describe('The same, as text.'),
  key_file: z.string().default('').describe('Private key (PEM) of the certificate.'),
  key_pem: secret().default('').describe('The same, as text.'),
  min_version: z.string().default('').describe('Lowest TLS version: 1.0, 1.1, 1.2 or 1.3; empty = 1.2.'),
  max_version: z.string().default('').describe('Highest TLS version; empty = the highest there is.'),
  cipher_suites: list(z.string()).default([]).describe('Cipher suites up to TLS 1.2, by their IANA names.'),
  include_insecure_cipher_suites: z.boolean().default(false).describe('Lets `cipher_suites` name weak ones.'),
  curve_preferences: list(z.string()).default([]).describe('P256, P384, P521, X25519, X25519MLKEM768; best first.'),
  reload_interval: duration().default(0).describe('How often certificate and key are read again; 0 = never.'),
  tpm: tpmKeys.prefault({}).describe('Keys in a trusted platform module.'),
}

export const serverTlsKeys = z
  .strictObject({
    ...commonShape,
    client_ca_file: z.string().default('').describe('CA that clients must present a certificate of (mutual TLS).'),
    client_ca_file_reload: z.boolean().default(false).describe('Read `client_ca_file` again when it changes.'),
  })
  .superRefine((settings, context) => {
    for (const [message, ...path] of problems(settings)) context.addIssue({ code: 'custom', message, path })
    if (!hasCert(settings) && !hasKey(settings))
      context.addIssue({
        code: 'custom',
        message: 'TLS configuration must include both certificate and key for server connections',
      })
  })

export const clientTlsKeys = z
  .strictObject({
    ...commonShape,
    insecure: z.boolean().default(false).describe('No TLS at all, unless a CA is set.'),
    insecure_skip_verify: z.boolean().default(false).describe("TLS, without verifying the server's certificate."),
    server_name_override: z.string().default('').describe('Name to ask for and to verify, instead of the host.'),
  })
  .superRefine((settings, context) => {
    for (const [message, ...path] of problems(settings)) context.addIssue({ code: 'custom', message, path })
  })

export type ServerTls = z.output<typeof serverTlsKeys>
export type ClientTls = z.output<typeof clientTlsKeys>
type Common = Pick<ServerTls, keyof typeof commonShape>

/** Reads the files; throws with upstream's text when one cannot be used. Call it from `start`. */
export function serverTls(settings: ServerTls): tls.TlsOptions {
  const options: tls.TlsOptions = commonOptions(settings)
  // Upstream reads `ca_file` here too, and then verifies clients with `client_ca_file` only.
  configuredAuthorities(settings)
  if (settings.client_ca_file !== '') {
    options.ca = [readCa(settings.client_ca_file, `failed to load CA ${settings.client_ca_file}`)]
    if (settings.include_system_ca_certs_pool) options.ca.push(...tls.getCACertificates('system'))
    options.requestCert = true
    options.rejectUnauthorized = true
  }
  checked(options)
  return options
}

/** `undefined` = plain text: `insecure` without a CA, as upstream. */
export function clientTls(settings: ClientTls): tls.ConnectionOptions | undefined {
  if (settings.insecure && settings.ca_file === '' && settings.ca_pem === '') return undefined
  const options: tls.ConnectionOptions = commonOptions(settings)
  const authorities = configuredAuthorities(settings) ?? systemAuthorities()
  if (authorities !== undefined) options.ca = authorities
  if (settings.server_name_override !== '') options.servername = settings.server_name_override
  if (settings.insecure_skip_verify) options.rejectUnauthorized = false
  // Shared by all connections: parsing the system's CAs takes a tenth of a second.
  options.secureContext = checked(options)
  return options
}

function commonOptions(settings: Common): tls.SecureContextOptions {
  const options: tls.SecureContextOptions = { minVersion: tlsVersions.get(settings.min_version) ?? 'TLSv1.2' }
  const maxVersion = tlsVersions.get(settings.max_version)
  if (maxVersion !== undefined) options.maxVersion = maxVersion
  try {
    if (hasCert(settings)) options.cert = settings.cert_pem || readFileSync(settings.cert_file)
    if (hasKey(settings)) options.key = settings.key_pem || readFileSync(settings.key_file)
  } catch (cause) {
    throw new Error(`failed to load TLS config: failed to load TLS cert and key: ${errorMessage(cause)}`, { cause })
  }
  if (settings.cipher_suites.length > 0) {
    const names = settings.cipher_suites.map((suite) => secureSuites.get(suite) ?? insecureSuites.get(suite) ?? suite)
    // Without the TLS 1.3 names Node would switch TLS 1.3 off.
    options.ciphers = [...new Set([...tls13Suites, ...names])].join(':')
  }
  if (settings.curve_preferences.length > 0)
    options.ecdhCurve = settings.curve_preferences.map((curve) => curves.get(curve) ?? curve).join(':')
  return options
}

function configuredAuthorities(settings: Common): (string | Buffer)[] | undefined {
  const system = settings.include_system_ca_certs_pool ? tls.getCACertificates('system') : []
  if (settings.ca_file !== '') {
    const what = `failed to load TLS config: failed to load CA CertPool File: failed to load cert ${settings.ca_file}`
    return [readCa(settings.ca_file, what), ...system]
  }
  return settings.ca_pem === '' ? undefined : [settings.ca_pem, ...system]
}

/** Go trusts the system's CAs by default, Node those it was built with. */
function systemAuthorities(): string[] | undefined {
  const trusted = tls.getCACertificates('system')
  return trusted.length > 0 ? trusted : undefined
}

function readCa(path: string, what: string): Buffer {
  let content: Buffer
  try {
    content = readFileSync(path)
  } catch (cause) {
    throw new Error(`${what}: ${errorMessage(cause)}`, { cause })
  }
  if (!content.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`${what}: failed to parse cert`)
  return content
}

/** OpenSSL looks at key and certificate only here; better now than at the first handshake. */
function checked(options: tls.SecureContextOptions): tls.SecureContext {
  try {
    return tls.createSecureContext(options)
  } catch (cause) {
    throw new Error(`failed to load TLS config: failed to load TLS cert and key PEMs: ${errorMessage(cause)}`, {
      cause,
    })
  }
}

/** Each with the key that is to blame, where it is one and the text does not name it. */
function problems(settings: Common): (readonly [message: string, ...path: (keyof Common)[]])[] {
  const found: (readonly [message: string, ...path: (keyof Common)[]])[] = []
  if (settings.ca_file !== '' && settings.ca_pem !== '')
    found.push(['provide either a CA file or the PEM-encoded string, but not both', 'ca_pem'])
  if (settings.cert_file !== '' && settings.cert_pem !== '')
    found.push(['provide either certificate file or PEM, but not both', 'cert_pem'])
  if (settings.key_file !== '' && settings.key_pem !== '')
    found.push(['provide either key file or PEM, but not both', 'key_pem'])
  if (hasCert(settings) !== hasKey(settings)) {
    const message = 'TLS configuration must include both certificate and key (CertFile/CertPem and KeyFile/KeyPem)'
    found.push([message, hasKey(settings) ? 'cert_file' : 'key_file'])
  }
  for (const key of ['min_version', 'max_version'] as const)
    if (settings[key] !== '' && !tlsVersions.has(settings[key]))
      found.push([`invalid TLS ${key}: unsupported TLS version: ${JSON.stringify(settings[key])}`, key])
  // Versions compare as text; an unset minimum is 1.2.
  if (settings.max_version !== '' && settings.max_version < (settings.min_version || '1.2'))
    found.push(['invalid TLS configuration: min_version cannot be greater than max_version'])
  for (const suite of settings.cipher_suites) {
    const known = secureSuites.has(suite) || tls13Suites.includes(suite)
    if (!known && !(settings.include_insecure_cipher_suites && insecureSuites.has(suite)))
      found.push([`invalid TLS cipher suite: ${JSON.stringify(suite)}`, 'cipher_suites'])
  }
  for (const curve of settings.curve_preferences)
    if (!curves.has(curve))
      found.push([
        `invalid curve type: ${curve}. Expected values are ${[...curves.keys()].join(', ')}`,
        'curve_preferences',
      ])
  if (settings.tpm.enabled) found.push(['tpm is not supported: give the key by key_file or key_pem', 'tpm'])
  return found
}

function hasCert(settings: Common): boolean {
  return settings.cert_file !== '' || settings.cert_pem !== ''
}
function hasKey(settings: Common): boolean {
  return settings.key_file !== '' || settings.key_pem !== ''
}
