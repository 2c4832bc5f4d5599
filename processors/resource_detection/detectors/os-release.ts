/** What Linux distributions say of themselves, read as gopsutil and the OpenTelemetry SDK read it. */
type ReadFile = (path: string) => Promise<string>

export interface Platform {
  readonly name: string
  readonly version: string
}

export async function platformOf(readFile: ReadFile): Promise<Platform> {
  const read = (path: string) => readFile(path).catch(() => undefined)
  const lsb = fieldsOf(await read('/etc/lsb-release'))
  const debian = await read('/etc/debian_version')
  if (debian !== undefined) {
    const id = lsb.get('DISTRIB_ID')
    if (id === 'Ubuntu') return { name: 'ubuntu', version: lsb.get('DISTRIB_RELEASE') ?? '' }
    if (id === 'LinuxMint') return { name: 'linuxmint', version: lsb.get('DISTRIB_RELEASE') ?? '' }
    return { name: 'debian', version: firstLine(debian) }
  }
  for (const path of ['/etc/oracle-release', '/etc/redhat-release', '/etc/system-release']) {
    const text = await read(path)
    if (text === undefined) continue
    const name = path === '/etc/oracle-release' ? 'oracle' : redhatish(text)
    return { name, version: /release (\w[\d.]*)/.exec(text.toLowerCase())?.[1] ?? '' }
  }
  const alpine = await read('/etc/alpine-release')
  if (alpine !== undefined) return { name: 'alpine', version: firstLine(alpine) }
  const release = await osRelease(readFile)
  return { name: release.get('ID') ?? '', version: release.get('VERSION_ID') ?? '' }
}

export async function osRelease(readFile: ReadFile): Promise<ReadonlyMap<string, string>> {
  const text = await readFile('/etc/os-release').catch(() => readFile('/usr/lib/os-release').catch(() => ''))
  return fieldsOf(text)
}

/** `Debian GNU/Linux 12 (bookworm)`. */
export function releaseName(release: ReadonlyMap<string, string>): string {
  const name = release.get('NAME') ?? ''
  const version = release.get('VERSION') || (release.get('VERSION_ID') ?? '')
  return name !== '' && version !== '' ? `${name} ${version}` : (release.get('PRETTY_NAME') ?? '')
}

function fieldsOf(text: string | undefined): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of (text ?? '').split('\n')) {
    const [, key, value] = /^\s*([A-Z_]+)=(.*?)\s*$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) fields.set(key, value.replace(/^(["'])(.*)\1$/, '$2'))
  }
  return fields
}

function redhatish(text: string): string {
  return text.toLowerCase().includes('red hat') ? 'redhat' : (text.toLowerCase().split(' ', 1)[0] ?? '')
}
function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.trim() ?? ''
}
