/** A line on a terminal that says how far we are; nothing where there is no terminal, so that logs stay readable. */
import type { Output } from '../command.ts'
import type { Progress } from './dataset.ts'

const width = 30

export function progressBar(stderr: Output & { readonly isTTY?: boolean }, what: string): Progress {
  if (stderr.isTTY !== true) return () => {}
  return (done, of) => {
    const full = of === 0 ? 0 : Math.round((width * done) / of)
    stderr.write(
      `\r${what} ${'#'.repeat(full)}${'.'.repeat(width - full)} ${done}${of === 0 ? '' : ` of ${of}`}${of > 0 && done === of ? '\n' : ''}`,
    )
  }
}
