import { join, win32 } from 'node:path'
import { z } from 'zod'
import { defineDetector, type World } from '../detector.ts'

const known = new Set(['dt.entity.host', 'host.name', 'dt.smartscape.host'])

/** What the Dynatrace OneAgent says of its host in a file. */
export default defineDetector({
  type: 'dynatrace',
  section: '',
  config: z.undefined(),
  create: (_settings, world) => ({
    async detect() {
      const text = await world.readFile(fileOf(world)).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
        throw error
      })
      const attributes = new Map<string, string>()
      for (const line of text.split(/\r?\n/)) {
        const at = line.indexOf('=')
        const [key, value] = [line.slice(0, at), line.slice(at + 1)]
        if (at < 0 && line !== '') world.logger.warn('skipped a line that is not <key>=<value>', { line })
        else if (at > 0 && value !== '' && known.has(key)) attributes.set(key, value.trim())
      }
      return { attributes, schemaUrl: '' }
    },
  }),
})

function fileOf({ env, platform }: World): string {
  const name = 'dt_host_metadata.properties'
  if (platform !== 'win32') return join('/var/lib/dynatrace/enrichment', name)
  return win32.join(env['ProgramData'] || 'C:\\ProgramData', 'dynatrace', 'enrichment', name)
}
