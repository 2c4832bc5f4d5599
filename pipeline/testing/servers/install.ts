/** `node pipeline/testing/servers/install.ts`: installs the servers of `npm run test:servers` on Debian. None of them is started. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const packages = ['postgresql', 'mariadb-server']
/** Debian's scripts ask it before they start a service. */
const policy = '/usr/sbin/policy-rc.d'

if (process.getuid?.() !== 0) {
  console.error('Run it as root: it calls apt-get.')
  process.exitCode = 1
} else {
  const quiet = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const steps = [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]
  const before = existsSync(policy)
  if (!before) spawnSync('install', ['-m', '755', '/dev/stdin', policy], { input: '#!/bin/sh\nexit 101\n' })
  for (const [program = '', ...args] of steps) {
    const { status } = spawnSync(program, args, { stdio: 'inherit', env: quiet })
    if (status !== 0) {
      process.exitCode = 1
      break
    }
  }
  if (!before) spawnSync('rm', ['-f', policy])
}
