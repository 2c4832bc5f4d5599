import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { testContext } from '../testing/context.ts'
import { testFolder } from '../testing/test-folder.ts'
import { notifySystemd } from './sd-notify.ts'

const folder = testFolder('notify')

/** What systemd would hear, a datagram a line. */
const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    text = s.recv(4096).decode()
    if not text.startswith('BARRIER'): print(repr(text), flush=True)
`

function has(program: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const skip =
  has('python3', '--version') && has('systemd-notify', '--version') ? false : 'python3 or systemd-notify is missing'

async function listen() {
  const path = join(folder, 'notify')
  rmSync(path, { force: true })
  const child = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  let wake = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines.push(...text.split('\n').filter((line) => line !== ''))
    wake()
  })
  const heard = async (count: number) => {
    while (lines.length < count + 1) await new Promise<void>((resolve) => (wake = resolve))
    return lines.slice(1)
  }
  await heard(0)
  assert.ok(existsSync(path))
  return { path, heard, close: () => child.kill() }
}

suite('systemd', { timeout: 30_000 }, () => {
  test('hears ready, signs of life, reloading and stopping, in this order', { skip }, async () => {
    const { path, heard, close } = await listen()
    try {
      const { clock, logger, recorded } = testContext()
      const env = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '20000000', WATCHDOG_PID: String(process.pid) }
      const supervisor = notifySystemd(env, clock, logger)
      supervisor.ready()
      await clock.advance(10_000)
      supervisor.reloading()
      supervisor.ready()
      await supervisor.stopping()
      assert.equal(clock.pendingTimers, 0)
      const told = (await heard(5)).map((line) => line.replace(/USEC=\d+/, 'USEC=n'))
      assert.deepEqual(told, [
        "'READY=1'",
        "'WATCHDOG=1'",
        "'RELOADING=1\\nMONOTONIC_USEC=n'",
        "'READY=1'",
        "'STOPPING=1'",
      ])
      assert.deepEqual(recorded.lines, [])
    } finally {
      close()
    }
  })

  test('is not looked for where it did not start this process', async () => {
    const { clock, logger, recorded } = testContext()
    const supervisor = notifySystemd({ WATCHDOG_USEC: '1000' }, clock, logger)
    supervisor.ready()
    await supervisor.stopping()
    assert.deepEqual([clock.pendingTimers, recorded.lines.length], [0, 0])
  })

  test('that cannot be told is said once, and nothing else happens', async () => {
    const { clock, logger, recorded } = testContext()
    const supervisor = notifySystemd({ NOTIFY_SOCKET: join(folder, 'nobody'), PATH: folder }, clock, logger)
    supervisor.ready()
    supervisor.reloading()
    await supervisor.stopping()
    assert.deepEqual(
      recorded.lines.map(({ fields }) => fields['error']),
      ['systemd-notify is not installed: install it, or use Type=exec without WatchdogSec'],
    )
  })
})
