import { z } from 'zod'
import { componentId, optional, secret } from '../../pipeline/config/fields.ts'

const provider = z
  .strictObject({
    id: componentId().optional().describe('The extension that provides the secret.'),
    username_key: z.string().default('').describe('Where the user name is in the secret.'),
    password_key: z.string().default('').describe('Where the password is in the secret.'),
  })
  .superRefine((_settings, context) => {
    context.addIssue({
      code: 'custom',
      message:
        'secret_provider is not supported: no extension provides secrets; use a file, which is read again when it changes',
    })
  })

const htpasswd = z.strictObject({
  file: z.string().default('').describe('An htpasswd file; read again when it changes.'),
  inline: secret().default('').describe('The same, as text; its users go before those of the file.'),
  secret_provider: optional(provider, 'off').describe('Not supported.'),
})
const clientAuth = z.strictObject({
  username: z.string().default('').describe('The user name to send.'),
  username_file: z.string().default('').describe('A file that it is in; read again when it changes.'),
  password: secret().default('').describe('The password to send.'),
  password_file: z.string().default('').describe('A file that it is in; read again when it changes.'),
  secret_provider: optional(provider, 'off').describe('Not supported.'),
})

export const config = z
  .strictObject({
    htpasswd: optional(htpasswd, 'off').describe('Checks the clients of receivers.'),
    client_auth: optional(clientAuth, 'off').describe('Credentials for exporters.'),
  })
  .superRefine((settings, context) => {
    const message = problem(settings)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
export type Config = z.output<typeof config>
export type ClientSettings = NonNullable<Config['client_auth']>
export type ServerSettings = NonNullable<Config['htpasswd']>

function problem({
  htpasswd: server,
  client_auth: client,
}: {
  htpasswd?: object | undefined
  client_auth?: object | undefined
}) {
  if (server !== undefined && client !== undefined) return 'only one of `htpasswd` or `client_auth` can be specified'
  return server === undefined && client === undefined ? 'no credential source provided' : undefined
}
