/** Part of `npm run test:deploy`: installs the package on a clean machine, boots it, and works with examples/deploy/vigil.service as README.md there says. */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Machine, newRoot, noMachines, run, runInside } from './clean-machine.ts'

const repository = join(import.meta.dirname, '../..')
const deploy = join(repository, 'examples/deploy')
const skip = noMachines()
/** SIGRTMIN+4, which systemd as first process takes as: power off. */
const powerOff = 38

suite('the unit of examples/deploy', { skip, timeout: 600_000 }, () => {
  const folder = skip === false ? mkdtempSync('/var/tmp/vigil-unit-') : ''
  let root = ''
  let machine: Machine
  const systemctl = (...args: readonly string[]) => machine.run('systemctl', ...args)
  const property = (name: string) => systemctl('show', '--value', `--property=${name}`, 'vigil').trim()
  const journal = () => machine.run('journalctl', '--unit=vigil', '--output=cat', '--no-pager')
  const serves = () => {
    try {
      return machine.get(':13133/').status === 200
    } catch {
      return false
    }
  }

  before(async () => {
    root = newRoot(folder, ['systemd-sysv', 'dbus'])
    // Every installer of Debian writes this one.
    writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n')
    const packed = run('npm', 'pack', join(repository, 'dist'), '--silent', '--pack-destination', folder).trim()
    cpSync(join(folder, packed), join(root, 'root', basename(packed)))
    runInside(root, `npm install --global --no-audit --no-fund /root/${basename(packed)}`)
    mkdirSync(join(root, 'etc/vigil'))
    cpSync(join(deploy, 'config.yaml'), join(root, 'etc/vigil/config.yaml'))
    cpSync(join(deploy, 'vigil.service'), join(root, 'etc/systemd/system/vigil.service'))
    machine = Machine.start(root, '--boot')
    await machine.until('booted', () => {
      try {
        return ['running', 'degraded'].includes(systemctl('is-system-running', '--wait').trim())
      } catch {
        return false
      }
    })
  })
  after(async () => {
    await machine?.stop(powerOff)
    if (folder !== '') run('rm', '-rf', folder)
  })

  test('has nothing that systemd does not understand', () => {
    assert.equal(machine.run('systemd-analyze', 'verify', '/etc/systemd/system/vigil.service'), '')
  })

  test('starts, and is active when everything is ready', () => {
    systemctl('enable', '--now', 'vigil')
    // Type=notify: only Vigil's own word makes it active.
    assert.deepEqual([property('ActiveState'), property('NotifyAccess')], ['active', 'all'])
    assert.ok(serves())
    assert.equal(machine.generate('traces', '--total', '7', '--endpoint', '127.0.0.1:4317').accepted, 7)
  })

  test('tells what came, as a user without name and capabilities', async () => {
    await machine.until('told of the spans', () => /Traces.*"spans": 7\b/.test(journal()))
    const status = machine.run('cat', `/proc/${property('MainPID')}/status`)
    assert.doesNotMatch(status, /^Uid:\t0\b/m)
    assert.match(status, /^CapEff:\t0+$/m)
    assert.match(status, /^NoNewPrivs:\t1$/m)
    assert.match(status, /^Seccomp:\t2$/m)
  })

  test('reload takes the new configuration without a new process, and a broken one changes nothing', async () => {
    const pid = property('MainPID')
    const file = join(root, 'etc/vigil/config.yaml')
    const good = readFileSync(file, 'utf8')
      .replace('extensions:\n', 'extensions:\n  file_storage: { directory: queues, create_directory: true }\n')
      .replace('extensions: [health_check]', 'extensions: [health_check, file_storage]')
    writeFileSync(file, good)
    systemctl('reload', 'vigil')
    // The configuration is relative to the state directory, which is all that may be written.
    await machine.until('reloaded', () => readdirSync(join(root, 'var/lib/private/vigil')).includes('queues'))
    appendFileSync(file, 'receivers: 1\n')
    systemctl('reload', 'vigil')
    await machine.until('told of the broken one', () =>
      /The new configuration was not taken; the old one runs on/.test(journal()),
    )
    writeFileSync(file, good)
    // It says so in the journal a moment before it tells systemd that it is ready again.
    await machine.until('active again', () => property('ActiveState') === 'active')
    assert.deepEqual([property('MainPID'), serves()], [pid, true])
  })

  test('is started again after a crash, and after the event loop stood still', async () => {
    systemctl('kill', '--kill-whom=main', '--signal=KILL', 'vigil')
    await machine.until('back after a crash', () => property('NRestarts') === '1' && serves())
    const changes = join(root, 'etc/systemd/system/vigil.service.d')
    mkdirSync(changes)
    writeFileSync(join(changes, 'watchdog.conf'), '[Service]\nWatchdogSec=2\n')
    systemctl('daemon-reload')
    systemctl('restart', 'vigil')
    const pid = property('MainPID')
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    assert.equal(property('MainPID'), pid, 'a sign of life comes in time')
    systemctl('kill', '--kill-whom=main', '--signal=STOP', 'vigil')
    await machine.until('back after standing still', () => property('MainPID') !== pid && serves())
    assert.match(journal(), /Watchdog timeout/)
  })

  test('ends at once where nothing waits', () => {
    const start = performance.now()
    systemctl('stop', 'vigil')
    assert.ok(performance.now() - start < 5_000)
    assert.deepEqual([property('ActiveState'), property('Result')], ['inactive', 'success'])
    assert.match(journal(), /Shutdown complete\./)
  })
})
