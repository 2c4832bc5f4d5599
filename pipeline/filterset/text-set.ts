/** A list of names or patterns, compiled once: does one of them match? */
import { Regex } from '../ottl/regex.ts'

export type TextTest = (text: string) => boolean

export interface TextSetSettings {
  readonly match_type: string
  readonly regexp?: { readonly cacheenabled: boolean; readonly cachemaxnumentries: number } | undefined
}

/** What `cacheenabled` may remember where the user sets no limit; upstream then has none. */
const cacheLimit = 10_000

/** Throws what is wrong in upstream's words. */
export function textSet(texts: readonly string[], settings: TextSetSettings): TextTest {
  switch (settings.match_type) {
    case 'strict': {
      const [only, ...others] = new Set(texts)
      if (others.length === 0) return (text) => text === only
      const all = new Set(texts)
      return (text) => all.has(text)
    }
    case 'regexp':
      return patternSet(texts, settings.regexp)
    default:
      throw new Error(unrecognizedMatchType(settings.match_type))
  }
}

export function unrecognizedMatchType(given: string): string {
  return `unrecognized match_type: '${given}', valid types are: [regexp strict]`
}

function patternSet(texts: readonly string[], cache: TextSetSettings['regexp']): TextTest {
  const patterns = [...new Set(texts)].map((text) => new Regex(text))
  const [only, ...others] = patterns
  const test: TextTest =
    only !== undefined && others.length === 0
      ? (text) => only.test(text)
      : (text) => patterns.some((pattern) => pattern.test(text))
  return cache?.cacheenabled ? remembered(test, cache.cachemaxnumentries || cacheLimit) : test
}

/** The texts that were asked for least recently are forgotten. */
function remembered(test: TextTest, limit: number): TextTest {
  const known = new Map<string, boolean>()
  return (text) => {
    let matches = known.get(text)
    if (matches === undefined) {
      matches = test(text)
      if (known.size >= limit) known.delete(known.keys().next().value!)
    } else known.delete(text)
    known.set(text, matches)
    return matches
  }
}
