/** Profiles are in development: a request may say which version it speaks, and this is the one we know (upstream's `ValidateDevelopmentVersion`). */
import { Code } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'

const header = 'otlp-profiles-development-version'

export function checkProfilesVersion(headers: Readonly<Record<string, string | string[] | undefined>>): void {
  const version = headers[header]
  if (version === undefined || version === '1') return
  throw new StatusError(Code.INVALID_ARGUMENT, `invalid or unsupported ${header}: supported version is 1`)
}
