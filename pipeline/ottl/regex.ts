/**
 * Go's regular expressions. V8 matches the patterns and texts for which backtracking is known to be cheap; everything else runs on re2js, whose time
 * is linear in the text, so that no pattern can hang the process.
 */
import { RE2JS } from 're2js'
import { errorMessage } from '../error-message.ts'
import { translate } from './regex-syntax.ts'

export interface Match {
  readonly start: number
  readonly end: number
  /** The whole match first; undefined where a group took no part. */
  readonly groups: readonly (string | undefined)[]
}

/** Steps that a match may take on V8: some milliseconds at the worst. */
const budget = 250_000

export class Regex {
  readonly pattern: string
  /** By number; the whole match has none. */
  readonly groupNames: readonly (string | undefined)[]
  private readonly linear: RE2JS
  private readonly fast: RegExp | undefined
  private readonly fastGlobal: RegExp | undefined
  private readonly maxLength: number
  /** Answers `test` alone: `.*` at either end of a pattern changes where it matches, never whether. */
  private readonly core: Regex | undefined

  /** Throws a SyntaxError that says what is wrong with the pattern. */
  constructor(pattern: string) {
    this.pattern = pattern
    try {
      this.linear = RE2JS.compile(pattern)
    } catch (error) {
      const reason = errorMessage(error)
      throw new SyntaxError(`the regex ${JSON.stringify(pattern)} is not valid: ${reason}`, { cause: error })
    }
    const translated = translate(pattern)
    this.maxLength = translated === undefined ? -1 : (budget / translated.factor) ** (1 / translated.degree)
    if (translated?.degree === 1 && translated.factor <= 64) this.maxLength = Number.POSITIVE_INFINITY
    if (translated !== undefined) {
      this.fast = new RegExp(translated.source, translated.flags)
      this.fastGlobal = new RegExp(translated.source, `${translated.flags}g`)
    }
    const core = pattern.replace(/^(\(\?[is]+\))?\.\*\??(?![*+?{])/, '$1').replace(/(?<!\\)\.\*\??$/, '')
    this.core =
      core === pattern || core === '' || core.endsWith('|') || core.startsWith('|') ? undefined : new Regex(core)
    this.groupNames = translated?.groups ?? namesOf(this.linear)
  }

  /** Whether V8 matches texts of that length. */
  isFast(length: number): boolean {
    return this.fast !== undefined && length <= this.maxLength
  }

  test(text: string): boolean {
    if (this.core !== undefined) return this.core.test(text)
    return this.isFast(text.length) ? this.fast!.test(text) : this.linear.matcher(text).find()
  }

  find(text: string): Match | undefined {
    for (const match of this.matches(text)) return match
    return undefined
  }

  /** Where the first match and its groups stand; -1 for a group that took no part. */
  ranges(text: string): readonly (readonly [number, number])[] | undefined {
    if (!this.test(text)) return undefined
    const matcher = this.linear.matcher(text)
    if (!matcher.find()) return undefined
    return this.groupNames.map((_name, i) => [matcher.start(i), matcher.end(i)] as const)
  }

  /** The matches that do not overlap. An empty one right after another one does not count. */
  *matches(text: string): Iterable<Match> {
    let last = -1
    for (const match of this.isFast(text.length) ? this.fastMatches(text) : this.linearMatches(text)) {
      if (match.start === match.end && match.start === last) continue
      last = match.end
      yield match
    }
  }

  /** As Go's ReplaceAllString: `$1`, `${name}` and `$$` in the replacement. */
  replaceAll(text: string, replacement: string): string {
    const expand = template(replacement, this.groupNames)
    return this.replaceEach(text, expand)
  }

  replaceEach(text: string, expand: (match: Match) => string): string {
    let result = ''
    let at = 0
    for (const match of this.matches(text)) {
      result += text.slice(at, match.start) + expand(match)
      at = match.end
    }
    return at === 0 && result === '' ? text : result + text.slice(at)
  }

  private *fastMatches(text: string): Iterable<Match> {
    const pattern = this.fastGlobal!
    for (let at = 0; at <= text.length; ) {
      pattern.lastIndex = at
      const found = pattern.exec(text)
      if (found === null) return
      const start = found.index
      const end = start + found[0].length
      yield { start, end, groups: found }
      at = end > start ? end : end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1)
    }
  }

  private *linearMatches(text: string): Iterable<Match> {
    const matcher = this.linear.matcher(text)
    while (matcher.find()) {
      const groups: (string | undefined)[] = []
      for (let i = 0; i <= matcher.groupCount(); i++) groups.push(matcher.group(i) ?? undefined)
      yield { start: matcher.start(), end: matcher.end(), groups }
    }
  }
}

function namesOf(pattern: RE2JS): (string | undefined)[] {
  const names: (string | undefined)[] = Array.from({ length: pattern.groupCount() + 1 }, () => undefined)
  for (const [name, index] of Object.entries(pattern.namedGroups() as Record<string, number>)) names[index] = name
  return names
}

const templateLimit = 256
const templates = new Map<string, (match: Match) => string>()

/** A replacement in which `$name` takes the longest run of letters, digits and underscores, as in Go. */
export function template(text: string, names: readonly (string | undefined)[]): (match: Match) => string {
  if (!text.includes('$')) return () => text
  const key = `${names.join(',')}\u0000${text}`
  let expand = templates.get(key)
  if (expand === undefined) {
    expand = parseTemplate(text, names)
    if (templates.size === templateLimit) templates.clear()
    templates.set(key, expand)
  }
  return expand
}

function parseTemplate(text: string, names: readonly (string | undefined)[]): (match: Match) => string {
  const parts: (string | number)[] = []
  let at = 0
  for (const found of text.matchAll(/\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu)) {
    parts.push(text.slice(at, found.index))
    at = found.index + found[0].length
    const name = found[2] ?? found[3]
    if (name === undefined) parts.push('$')
    else parts.push(/^\d+$/.test(name) && !/^0\d/.test(name) ? Number(name) : names.indexOf(name))
  }
  parts.push(text.slice(at))
  return (match) => parts.map((part) => (typeof part === 'string' ? part : (match.groups[part] ?? ''))).join('')
}

const cacheLimit = 128
const compiled = new Map<string, Regex>()

/** For patterns that come with the data; those of literals are compiled once anyway. */
export function cachedRegex(pattern: string): Regex {
  let regex = compiled.get(pattern)
  if (regex === undefined) {
    regex = new Regex(pattern)
    if (compiled.size === cacheLimit) compiled.clear()
    compiled.set(pattern, regex)
  }
  return regex
}
