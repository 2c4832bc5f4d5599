import { z } from 'zod'
import { defineDetector, nothing } from '../detector.ts'

const patterns = (what: string) =>
  z.array(z.string()).min(1, `attributes.${what} must contain at least one entry when set`).optional()

/** OTEL_RESOURCE_ATTRIBUTES: `key=value,key=value`, the values percent-encoded. */
export default defineDetector({
  type: 'env',
  config: z.strictObject({
    attributes: z
      .strictObject({
        included: patterns('included').describe('Names that are taken; `*` and `?` are wildcards. Absent = all.'),
        excluded: patterns('excluded').describe('Names that are left out of them.'),
      })
      .prefault({})
      .describe('Which attributes are taken.'),
  }),
  create: ({ attributes: { included, excluded } }, { env }) => {
    const [takes, leaves] = [included?.map(wildcard), excluded?.map(wildcard)]
    return {
      async detect() {
        const text = trimmed(env['OTEL_RESOURCE_ATTRIBUTES']) || trimmed(env['OTEL_RESOURCE'])
        if (text === '') return nothing
        const attributes = parseAttributes(text)
        for (const name of attributes.keys()) {
          const isTaken = takes === undefined || takes.some((pattern) => pattern.test(name))
          if (!isTaken || leaves?.some((pattern) => pattern.test(name)) === true) attributes.delete(name)
        }
        return { attributes, schemaUrl: '' }
      },
    }
  },
})

function trimmed(text: string | undefined): string {
  return text?.trim() ?? ''
}

function wildcard(pattern: string): RegExp {
  const source = RegExp.escape(pattern).replaceAll('\\*', '.*').replaceAll('\\?', '.')
  return new RegExp(`^${source}$`, 'su')
}

// eslint-disable-next-line no-control-regex
const pair = /\s*([\0-\x7f]{1,256}?)\s*=\s*([\0-\x7f]{0,256}?)\s*(?:,|$)/g

/** Throws with upstream's words. */
export function parseAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>()
  let end = 0
  for (const match of text.matchAll(pair)) {
    if (match.index !== end)
      throw new Error(`invalid resource format, invalid text: ${JSON.stringify(text.slice(end, match.index))}`)
    const [whole, key = '', value = ''] = match
    try {
      attributes.set(key, decodeURIComponent(value.replaceAll('+', ' ')))
    } catch (cause) {
      throw new Error(`invalid resource format in attribute: ${JSON.stringify(whole)}, err: invalid URL escape`, {
        cause,
      })
    }
    end = match.index + whole.length
  }
  if (end === 0) throw new Error(`invalid resource format: ${JSON.stringify(text)}`)
  if (end !== text.length) throw new Error(`invalid resource format, invalid text: ${JSON.stringify(text.slice(end))}`)
  return attributes
}
