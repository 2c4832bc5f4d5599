/** The keys of upstream's `scraperhelper.ControllerConfig`: what every receiver has that asks at intervals. */
import type { z } from 'zod'
import { duration } from '../config/fields.ts'

/** Defaults of the component in Go's notation, like `10s`. */
export function scraperShape({ collectionInterval = '1m' } = {}) {
  return {
    collection_interval: duration().prefault(collectionInterval).describe('How often the values are collected.'),
    initial_delay: duration().prefault('1s').describe('How long after the start they are collected first.'),
    timeout: duration()
      .prefault('0s')
      .describe('How long one collection may take; what is not there by then is missing. 0 = as long as it takes.'),
  }
}

export interface ScraperSettings {
  readonly collection_interval: number
  readonly initial_delay: number
  readonly timeout: number
}

/** In upstream's words. */
export function refuseScraperSettings(
  { collection_interval, timeout }: ScraperSettings,
  context: z.RefinementCtx,
): void {
  const refuse = (path: string) =>
    context.addIssue({
      code: 'custom',
      path: [path],
      message: `"${path}": requires positive value; write one like 10s`,
    })
  if (collection_interval <= 0) refuse('collection_interval')
  if (timeout < 0) refuse('timeout')
}
