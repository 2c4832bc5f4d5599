/** From Go's names to those of the semantic conventions. */
const osTypes: Readonly<Record<string, string>> = { dragonfly: 'dragonflybsd', zos: 'z_os' }
export function osTypeOf(goos: string): string {
  return osTypes[goos] ?? goos
}

/** From Node's names. */
const platforms: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris', cygwin: 'windows' }
export function osTypeOfPlatform(platform: string): string {
  return platforms[platform] ?? platform
}
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'x86', arm: 'arm32', mipsel: 'mipsle' }
export function hostArchOf(architecture: string): string {
  return architectures[architecture] ?? architecture
}
