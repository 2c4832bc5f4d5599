/** The engine's own log, written through pino in the form the Go Collector writes it. */
import { getCallSites } from 'node:util'
import { pino } from 'pino'
import { type Loggable, loggableFields } from './log-fields.ts'
import { consoleLine, timestamp } from './log-line.ts'
import { type LogDrops, LogOutput } from './log-output.ts'
import { LogSampler } from './log-sampler.ts'
import type { Logger } from './logger.ts'
import type { Meter } from './meter.ts'
import type { LogSettings } from './settings.ts'

export interface ClosableLogger extends Logger {
  /** Lines that were logged and not written, so far. */
  readonly drops: Readonly<LogDrops>
  /** Writes what is held and closes the files. */
  close(): Promise<void>
}

const levels = ['debug', 'info', 'warn', 'error'] as const
type Level = (typeof levels)[number]
/** At most one complaint about an output in this time. */
const complainEveryMs = 10_000

/** Throws when an output cannot be opened. `resource` stands on each line unless `disable_zap_resource`. */
export function createLogger(
  settings: LogSettings,
  resource: ReadonlyMap<string, string>,
  now: () => number = Date.now,
): ClosableLogger {
  const drops: LogDrops = { sampled: 0, blocked: 0 }
  const complaints = new LogOutput(settings.error_output_paths, { sampled: 0, blocked: 0 }, () => {})
  let complainAfter = 0
  const complain = (path: string, error: Error): void => {
    if (now() < complainAfter || settings.error_output_paths.includes(path)) return
    complainAfter = now() + complainEveryMs
    complaints.write(`${timestamp(now())} write error: ${path}: ${error.message}\n`)
  }
  const output = openOrClose(complaints, () => new LogOutput(settings.output_paths, drops, complain))
  const bound: Record<string, Loggable> = loggableFields(settings.initial_fields)
  if (!settings.disable_zap_resource && resource.size > 0)
    bound['resource'] = Object.fromEntries([...resource].sort(([a], [b]) => (a < b ? -1 : 1)))
  const sink = pino(
    {
      base: null,
      level: settings.level,
      timestamp: () => `,"ts":"${timestamp(now())}"`,
      formatters: { level: (level) => ({ level }) },
      ...(settings.encoding === 'console' ? { hooks: { streamWrite: consoleLine } } : {}),
    },
    output,
  )
  const log = new PinoLogger(sink, settings, new LogSampler(settings.sampling, levels.length), drops, bound, now)
  return Object.assign(log, {
    async close() {
      await output.close()
      await complaints.close()
    },
  })
}

/** What the log did not write, as metrics. */
export function registerLogMetrics(meter: Meter, logger: ClosableLogger): void {
  const name = 'vigil_log_lines_dropped'
  const description = 'Lines of the own log that were not written'
  meter.observedCounter(name, () => logger.drops.sampled, { reason: 'sampled' }, description)
  meter.observedCounter(name, () => logger.drops.blocked, { reason: 'blocked' }, description)
}

function openOrClose(complaints: LogOutput, open: () => LogOutput): LogOutput {
  try {
    return open()
  } catch (error) {
    void complaints.close()
    throw error
  }
}

class PinoLogger implements Logger {
  readonly drops: LogDrops
  private readonly sink: pino.Logger
  private readonly settings: LogSettings
  private readonly sampler: LogSampler
  private readonly bound: Readonly<Record<string, Loggable>>
  private readonly now: () => number
  private readonly lowest: number

  constructor(
    sink: pino.Logger,
    settings: LogSettings,
    sampler: LogSampler,
    drops: LogDrops,
    bound: Readonly<Record<string, Loggable>>,
    now: () => number,
  ) {
    this.sink = sink
    this.settings = settings
    this.sampler = sampler
    this.drops = drops
    this.bound = bound
    this.now = now
    this.lowest = levels.indexOf(settings.level)
  }

  debug(message: string, fields?: object): void {
    this.log('debug', message, fields)
  }
  info(message: string, fields?: object): void {
    this.log('info', message, fields)
  }
  warn(message: string, fields?: object): void {
    this.log('warn', message, fields)
  }
  error(message: string, fields?: object): void {
    this.log('error', message, fields)
  }

  isEnabled(level: Level): boolean {
    return levels.indexOf(level) >= this.lowest
  }

  with(fields: object): Logger {
    const bound = { ...this.bound, ...loggableFields(fields) }
    return new PinoLogger(this.sink, this.settings, this.sampler, this.drops, bound, this.now)
  }

  private log(level: Level, message: string, fields: object | undefined): void {
    if (!this.isEnabled(level)) return
    if (!this.sampler.passes(levels.indexOf(level), message, this.now())) {
      this.drops.sampled++
      return
    }
    const caller = this.settings.disable_caller ? undefined : callerOfLog()
    const stacktrace = this.wantsStack(level) && fields ? stackOf(fields) : undefined
    this.sink[level]({
      ...(caller === undefined ? {} : { caller }),
      msg: message,
      ...this.bound,
      ...(fields ? loggableFields(fields) : {}),
      ...(stacktrace === undefined ? {} : { stacktrace }),
    })
  }

  private wantsStack(level: Level): boolean {
    if (this.settings.disable_stacktrace) return false
    return level === 'error' || (level === 'warn' && this.settings.development)
  }
}

/** `folder/file.ts:line` of whoever logs. It costs a few microseconds, after sampling. */
function callerOfLog(): string | undefined {
  for (const { scriptName, lineNumber } of getCallSites(8)) {
    if (!ownFiles.test(scriptName)) return `${scriptName.split('/').slice(-2).join('/')}:${lineNumber}`
  }
  return undefined
}
const ownFiles = /telemetry\/(pino|switchable)-logger\.ts$/

/** Where an error of the fields was thrown: more use than where it was logged. A refusal is an answer, not a bug. */
function stackOf(fields: object): string | undefined {
  for (const value of [fields, ...Object.values(fields)]) {
    if (value instanceof Error && value.name !== 'Rejected' && value.stack) {
      const frames = value.stack.indexOf('\n    at ')
      return frames < 0 ? undefined : value.stack.slice(frames + 1)
    }
  }
  return undefined
}
