/** The engine's own log. One past-tense sentence a line, the rest as fields; never a line per record. */
export interface Logger {
  debug(message: string, fields?: object): void
  info(message: string, fields?: object): void
  warn(message: string, fields?: object): void
  error(message: string, fields?: object): void
  isEnabled(level: 'debug' | 'info' | 'warn' | 'error'): boolean
  /** The same log with more fields on each line. */
  with(fields: object): Logger
}
