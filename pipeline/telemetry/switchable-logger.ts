import type { Logger } from './logger.ts'

/** A log whose sink can be replaced while components hold it: a reload may change its level, its form or its files. */
export class SwitchableLogger {
  #current: Logger
  #version = 0
  readonly logger: Logger

  constructor(initial: Logger) {
    this.#current = initial
    this.logger = this.#derive({})
  }

  switchTo(next: Logger): void {
    this.#current = next
    this.#version++
  }

  #derive(fields: object): Logger {
    let version = -1
    let bound = this.#current
    const now = (): Logger => {
      if (version !== this.#version) {
        bound = this.#current.with(fields)
        version = this.#version
      }
      return bound
    }
    return {
      debug: (message, more) => now().debug(message, more),
      info: (message, more) => now().info(message, more),
      warn: (message, more) => now().warn(message, more),
      error: (message, more) => now().error(message, more),
      isEnabled: (level) => now().isEnabled(level),
      with: (more) => this.#derive({ ...fields, ...more }),
    }
  }
}
