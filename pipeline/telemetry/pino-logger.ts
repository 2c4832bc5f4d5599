/** The engine's own log, written through pino in the form the Go Collector writes it. */
import { getCallSites } from 'node:util'
import { pino } from 'pino'
import { type Loggable, loggableFields } from './log-fields.ts'
import { consoleLine, timestamp } from './log-line.ts'
import { type LogDrops, LogOutput } from './log-output.ts'
import type { OwnLine } from './log-records.ts'
import { LogSampler } from './log-sampler.ts'
import type { Logger } from './logger.ts'
import type { Meter } from './meter.ts'
import type { LogSettings } from './settings.ts'

export interface ClosableLogger extends Logger {
  /** Lines that were logged and not written, so far. */
  readonly drops: Readonly<LogDrops>
  /** Where each line goes beside the outputs, once it passed the level and the sampler. */
  tee: ((line: OwnLine) => void) | undefined
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
  const sampler = new LogSampler(settings.sampling, levels.length)
  const way: Way = { sink, settings, sampler, drops, bound, now, tee: undefined }
  const log = new PinoLogger(way, {})
  return {
    drops,
    get tee() {
      return way.tee
    },
    set tee(tee) {
      way.tee = tee
    },
    debug: (message, fields) => log.debug(message, fields),
    info: (message, fields) => log.info(message, fields),
    warn: (message, fields) => log.warn(message, fields),
    error: (message, fields) => log.error(message, fields),
    isEnabled: (level) => log.isEnabled(level),
    with: (fields) => log.with(fields),
    async close() {
      await output.close()
      await complaints.close()
    },
  }
}

/** What a logger shares with those made of it by `with`. */
interface Way {
  readonly sink: pino.Logger
  readonly settings: LogSettings
  readonly sampler: LogSampler
  readonly drops: LogDrops
  /** On each line of the outputs: the resource, and fields that the settings say. */
  readonly bound: Readonly<Record<string, Loggable>>
  readonly now: () => number
  tee: ((line: OwnLine) => void) | undefined
}

/** What the log did not write, as metrics. */
export function registerLogMetrics(meter: Meter, logger: Pick<ClosableLogger, 'drops'>): void {
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
  private readonly way: Way
  /** On each line of this logger. */
  private readonly own: Readonly<Record<string, Loggable>>
  private readonly lowest: number

  constructor(way: Way, own: Readonly<Record<string, Loggable>>) {
    this.way = way
    this.own = own
    this.lowest = levels.indexOf(way.settings.level)
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
    return new PinoLogger(this.way, { ...this.own, ...loggableFields(fields) })
  }

  private log(level: Level, message: string, fields: object | undefined): void {
    if (!this.isEnabled(level)) return
    const { sampler, settings, drops, sink, bound, now, tee } = this.way
    if (!sampler.passes(levels.indexOf(level), message, now())) {
      drops.sampled++
      return
    }
    const caller = settings.disable_caller ? undefined : callerOfLog()
    const stacktrace = this.wantsStack(level) && fields ? stackOf(fields) : undefined
    const said = { ...this.own, ...(fields ? loggableFields(fields) : {}) }
    sink[level]({
      ...(caller === undefined ? {} : { caller }),
      msg: message,
      ...bound,
      ...said,
      ...(stacktrace === undefined ? {} : { stacktrace }),
    })
    tee?.({ level, message, unixMs: now(), fields: said })
  }

  private wantsStack(level: Level): boolean {
    if (this.way.settings.disable_stacktrace) return false
    return level === 'error' || (level === 'warn' && this.way.settings.development)
  }
}

/** `folder/file.ts:line` of whoever logs. It costs a few microseconds, after sampling. */
function callerOfLog(): string | undefined {
  for (const { scriptName, lineNumber } of getCallSites(8)) {
    if (!ownFiles.test(scriptName)) return `${scriptName.split('/').slice(-2).join('/')}:${lineNumber}`
  }
  return undefined
}
const ownFiles = /telemetry\/(pino|switchable)-logger\.[jt]s$/

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
