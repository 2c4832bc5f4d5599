import type { BuildInfo } from '../telemetry/engine-view.ts'

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** As upstream writes it: `Vigil/0.1.0 (linux/amd64)`. */
export function userAgent({ description, version }: BuildInfo): string {
  return `${description}/${version} (${process.platform}/${architectures[process.arch] ?? process.arch})`
}
