import os from 'node:os'
import { z } from 'zod'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { attributeSwitches, defineDetector, Found, type World } from '../detector.ts'
import { canonicalName, qualifiedName, reverseName } from '../host-names.ts'
import { hostArchOf, osTypeOfPlatform } from './os-names.ts'
import { osRelease, platformOf, releaseName } from './os-release.ts'

const sources: Readonly<Record<string, (world: World) => string | Promise<string>>> = {
  os: ({ names }) => names.hostname(),
  dns: ({ names, readFile }) => qualifiedName(names, readFile),
  cname: ({ names, readFile }) => canonicalName(names, readFile),
  lookup: ({ names }) => reverseName(names),
}

/** The machine that we run on. */
export default defineDetector({
  type: 'system',
  config: z.strictObject({
    hostname_sources: z
      .array(
        z.string().refine((source) => Object.hasOwn(sources, source), {
          error: ({ input }) => `hostname_sources contains invalid value: ${JSON.stringify(input)}`,
        }),
      )
      .default([])
      .describe(
        'Where `host.name` comes from, the first that answers: `dns`, `os`, `cname`, `lookup`; empty = dns, os.',
      ),
    resource_attributes: attributeSwitches({
      'host.arch': false,
      'host.cpu.cache.l2.size': false,
      'host.cpu.family': false,
      'host.cpu.model.id': false,
      'host.cpu.model.name': false,
      'host.cpu.stepping': false,
      'host.cpu.vendor.id': false,
      'host.id': false,
      'host.interface': false,
      'host.ip': false,
      'host.mac': false,
      'host.name': true,
      'os.build.id': false,
      'os.build_id': false,
      'os.description': false,
      'os.name': false,
      'os.type': true,
      'os.version': false,
    }),
  }),
  create({ hostname_sources, resource_attributes }, world) {
    const isOn = (...names: string[]) => names.some((name) => resource_attributes[name]?.enabled === true)
    if (isOn('os.build.id'))
      world.logger.warn('the os.build.id resource attribute is deprecated, use os.build_id instead')
    const { readFile, logger } = world
    return {
      async detect() {
        const found = new Found(resource_attributes)
        found.set('host.name', await hostName(hostname_sources, world))
        found.set('os.type', osTypeOfPlatform(world.platform))
        found.set('host.arch', hostArchOf(os.arch()))
        if (isOn('os.name', 'os.version')) {
          const { name, version } = await ownPlatform(world)
          found.set('os.name', name)
          found.set('os.version', version)
        }
        const optional = async (name: string, ask: () => Promise<string>) => {
          if (!isOn(name)) return
          try {
            found.set(name, await ask())
          } catch (error) {
            logger.warn(`failed to get ${name}`, { error: errorMessage(error) })
          }
        }
        await optional('host.id', () => machineId(world))
        if (isOn('os.build_id', 'os.build.id')) {
          const build = (await osRelease(readFile)).get('BUILD_ID') || os.release()
          found.set('os.build_id', build)
          found.set('os.build.id', build)
        }
        if (isOn('os.description')) {
          const release = releaseName(await osRelease(readFile))
          const uname = `${os.type()} ${os.hostname()} ${os.release()} ${os.version()} ${os.machine()}`
          found.set('os.description', release === '' ? uname : `${release} (${uname})`)
        }
        setNetwork(found)
        if (isOn(...cpuNames)) setCpu(found, await readFile('/proc/cpuinfo'))
        return found.done()
      },
    }
  },
})

async function hostName(chosen: readonly string[], world: World): Promise<string> {
  for (const source of chosen.length === 0 ? ['dns', 'os'] : chosen) {
    try {
      return (await sources[source]?.(world)) ?? ''
    } catch (error) {
      world.logger.debug(`the hostname source ${source} had no answer`, { error: errorMessage(error) })
    }
  }
  throw new Error('all hostname sources failed to get hostname')
}

async function ownPlatform({ platform, readFile }: World) {
  if (platform === 'linux') return platformOf(readFile)
  return { name: platform === 'win32' ? os.version() : platform, version: os.release() }
}

async function machineId({ platform, readFile }: World): Promise<string> {
  const paths: Readonly<Record<string, readonly string[]>> = {
    linux: ['/etc/machine-id', '/var/lib/dbus/machine-id'],
    freebsd: ['/etc/hostid'],
    openbsd: ['/etc/hostid'],
  }
  for (const path of paths[platform] ?? []) {
    const id = (await readFile(path).catch(() => '')).trim()
    if (id !== '') return id
  }
  throw new Error(`this ${platform} has no machine id that can be read`)
}

function setNetwork(found: Found): void {
  const interfaces = Object.entries(os.networkInterfaces())
  const ips: string[] = []
  const macs: string[] = []
  for (const [, addresses = []] of interfaces) {
    const outer = addresses.filter(({ internal }) => !internal)
    for (const { address } of outer) ips.push(address.split('%', 1)[0] ?? '')
    const mac = outer[0]?.mac
    if (mac !== undefined) macs.push(mac.replaceAll(':', '-').toUpperCase())
  }
  found.set('host.ip', ips)
  found.set('host.mac', macs)
  found.set(
    'host.interface',
    interfaces.map(([name]) => name),
  )
}

const cpuNames = ['cache.l2.size', 'family', 'model.id', 'model.name', 'stepping', 'vendor.id'].map(
  (name) => `host.cpu.${name}`,
)

/** Of the first processor. */
function setCpu(found: Found, cpuinfo: string): void {
  const first = new Map<string, string>()
  for (const line of cpuinfo.split('\n')) {
    const at = line.indexOf(':')
    if (at < 0) {
      if (first.size > 0) break
      continue
    }
    first.set(line.slice(0, at).trim(), line.slice(at + 1).trim())
  }
  found.set('host.cpu.vendor.id', first.get('vendor_id') ?? '')
  found.set('host.cpu.family', first.get('cpu family') ?? '')
  found.setUnlessEmpty('host.cpu.model.id', first.get('model'))
  found.set('host.cpu.model.name', first.get('model name') ?? '')
  found.set('host.cpu.stepping', first.get('stepping') ?? '0')
  found.set('host.cpu.cache.l2.size', Number.parseInt(first.get('cache size') ?? '0', 10))
}
