/**
 * `node models/runtime/install-vulkan.ts`: a Vulkan driver that computes on the CPU, for machines without a GPU, so that the tests of the WGSL kernels run.
 * On Debian 12 it comes from the backports, since the Mesa 22 of Debian itself has no adapter for WebGPU. What is installed already stays.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const packages = ['libvulkan1', 'mesa-vulkan-drivers']

if (process.getuid?.() !== 0) {
  console.error('Run it as root: it calls apt-get.')
  process.exitCode = 1
} else {
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
  const folder = mkdtempSync(join(tmpdir(), 'vigil-vulkan-'))
  try {
    process.exitCode = install(folder, codename)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** With lists of its own: what the machine installs from stays as it is. */
function install(folder: string, codename: string): number {
  for (const name of ['parts', 'lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, name), { recursive: true })
  const isOld = codename === 'bookworm'
  writeFileSync(
    join(folder, 'parts/debian.sources'),
    `Types: deb
URIs: http://deb.debian.org/debian
Suites: ${codename}${isOld ? ` ${codename}-backports` : ''}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
  )
  const own = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${join(folder, 'parts')}`,
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option])
  const from = isOld ? ['-t', `${codename}-backports`] : []
  for (const step of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...from, ...packages],
  ]) {
    const { status } = spawnSync('apt-get', [...own, ...step], {
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    if (status !== 0) return 1
  }
  return 0
}
