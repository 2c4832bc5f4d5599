/**
 * Tells systemd how the engine is (sd_notify(3)): `Type=notify` or `notify-reload`, and `WatchdogSec`. Node has no datagram sockets of the unix
 * domain, so that `systemd-notify` sends for us; the unit must have `NotifyAccess=all` for that.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Clock } from '../component.ts'
import type { Logger } from '../telemetry/logger.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface Supervisor {
  ready(): void
  reloading(): void
  /** Resolves when it was told, so that the process may end. */
  stopping(): Promise<void>
}

const unsupervised: Supervisor = { ready: () => {}, reloading: () => {}, stopping: async () => {} }
const sendTimeoutMs = 5_000

/** Does nothing where systemd did not start this process. */
export function notifySystemd(env: Environment, clock: Pick<Clock, 'every'>, logger: Logger): Supervisor {
  if (!env['NOTIFY_SOCKET']) return unsupervised
  let last = Promise.resolve()
  let hasFailed = false
  // One after another: READY must not overtake RELOADING.
  const tell = (...variables: readonly string[]): Promise<void> => {
    last = last
      .then(() => send(variables, env))
      .catch((error: unknown) => {
        if (!hasFailed) logger.warn('systemd could not be told how the engine is.', { error: cureOf(error) })
        hasFailed = true
      })
    return last
  }
  const pingMs = watchdogMs(env) / 2
  let stopPings = () => {}
  return {
    ready() {
      void tell('READY=1')
      stopPings()
      if (pingMs > 0) stopPings = clock.every(pingMs, () => tell('WATCHDOG=1'))
    },
    reloading: () => void tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`),
    stopping() {
      stopPings()
      return tell('STOPPING=1')
    },
  }
}

async function send(variables: readonly string[], env: Environment): Promise<void> {
  await promisify(execFile)('systemd-notify', variables, { env, timeout: sendTimeoutMs })
}

/** 0 = systemd expects no signs of life from this process. */
function watchdogMs({ WATCHDOG_USEC: usec, WATCHDOG_PID: pid }: Environment): number {
  const isMeant = pid === undefined || Number(pid) === process.pid
  const ms = Number(usec) / 1_000
  return isMeant && Number.isFinite(ms) && ms > 0 ? ms : 0
}

function cureOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'systemd-notify is not installed: install it, or use Type=exec without WatchdogSec'
  return message
}
