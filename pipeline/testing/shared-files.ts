/** Upstream's vectors, recordings of it and data sets: they lie in a folder beside the checkout, or where `VIGIL_SHARED` says. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

export function sharedPath(...parts: readonly string[]): string {
  return join(process.env['VIGIL_SHARED'] ?? resolve(import.meta.dirname, '../../../shared'), ...parts)
}

/** Why a test is skipped: the first of its files that is not there. False when all are. */
export function skipWithout(...paths: readonly string[]): string | false {
  const missing = paths.find((path) => !existsSync(path))
  return missing !== undefined && `${missing} is not there: set VIGIL_SHARED`
}
