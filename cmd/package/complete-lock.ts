/**
 * `npm run lock`: writes package-lock.json anew, for every platform. npm leaves out of it the platform packages that the registry at hand does
 * not serve, and `npm ci` then refuses the file everywhere; what is left out is known from the `optionalDependencies` of its parent.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Entry {
  version?: string
  optional?: boolean
  dev?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

const root = new URL('../../', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'vigil-lock-'))
try {
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit'], {
    cwd: folder,
    stdio: 'inherit',
  })
  const file = join(folder, 'package-lock.json')
  const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> }
  let added = 0
  for (const parent of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const key = `node_modules/${name}`
      if (lock.packages[key] !== undefined) continue
      lock.packages[key] = { version, ...platformOf(name), ...(parent.dev ? { dev: true } : {}), optional: true }
      added++
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(join(root, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`)
  console.log(
    `package-lock.json was written; ${added} packages of other platforms stand in it without an integrity hash.`,
  )
} finally {
  rmSync(folder, { recursive: true })
}

/** From the name, which is how these packages are told apart: `linux-x64-musl`, `win32-arm64-msvc`, `linux-arm-gnueabihf`, `wasm32-wasi`. */
function platformOf(name: string): Pick<Entry, 'os' | 'cpu' | 'libc'> {
  const [, os, cpu, abi = ''] =
    /(android|darwin|freebsd|linux|win32|openharmony)-(x64|arm64|arm|ia32|ppc64|riscv64|s390x|universal)(?:-(\w+))?$/.exec(
      name,
    ) ?? []
  if (os === undefined || cpu === undefined) {
    if (name.endsWith('wasm32-wasi')) return { cpu: ['wasm32'] }
    throw new Error(`${name} does not say in its name for which platform it is: add it to this script`)
  }
  const libc = os !== 'linux' || abi === '' ? {} : { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] }
  return { os: [os], ...(cpu === 'universal' ? {} : { cpu: [cpu] }), ...libc }
}
