import { readFileSync } from 'node:fs'
import type { BuildInfo } from '../telemetry/engine-view.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

export const build: BuildInfo = {
  command: 'vigil',
  description: 'An OpenTelemetry Collector that also detects, explains and repairs',
  version,
}
