/** What is to be done with an attribute or a value, compiled once. */
import { createHmac, hash } from 'node:crypto'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Regex } from '../../pipeline/ottl/regex.ts'
import type { Config } from './config.ts'

export interface Rules {
  readonly isIgnored: (key: string) => boolean
  /** Whether the attribute goes. */
  readonly isRedacted: (key: string) => boolean
  /** Whether the whole value is masked. */
  readonly isBlocked: (key: string) => boolean
  readonly isAllowed: (text: string) => boolean
  readonly mask: (text: string) => string
  /** With what is blocked in it masked. */
  readonly cleaned: (text: string) => string
}

/** Throws for a pattern that is not valid, in upstream's words. */
export function compileRules(settings: Config): Rules {
  const ignored = new Set(settings.ignored_keys)
  const allowed = new Set(settings.allowed_keys)
  const ignoredPatterns = compile('ignore keys list', settings.ignored_key_patterns)
  const blocked = compile('block list', settings.blocked_values)
  const blockedKeys = compile('block keys list', settings.blocked_key_patterns)
  const allowedValues = compile('allow list', settings.allowed_values)
  const mask = maskOf(settings)
  const any = (patterns: readonly Regex[]) => (text: string) => patterns.some((pattern) => pattern.test(text))
  const isIgnoredByPattern = any(ignoredPatterns)
  return {
    isIgnored: (key) => ignored.has(key) || isIgnoredByPattern(key),
    isRedacted: settings.allow_all_keys ? () => false : (key) => !allowed.has(key),
    isBlocked: any(blockedKeys),
    isAllowed: any(allowedValues),
    mask,
    cleaned(text) {
      let now = text
      for (const pattern of blocked)
        if (pattern.test(now)) now = pattern.replaceEach(now, ({ groups }) => mask(groups[0] ?? ''))
      return now
    },
  }
}

function compile(what: string, patterns: readonly string[]): readonly Regex[] {
  try {
    return patterns.map((pattern) => new Regex(pattern))
  } catch (cause) {
    const reason = errorMessage(cause)
    throw new Error(`error creating a redaction processor: failed to process ${what}: ${reason}`, { cause })
  }
}

function maskOf({ hash_function, hmac_key, masking_string }: Config): (text: string) => string {
  switch (hash_function) {
    case '': {
      const text = masking_string || '****'
      return () => text
    }
    case 'hmac-sha256':
    case 'hmac-sha512':
      return (text) => createHmac(hash_function.slice(5), hmac_key).update(text).digest('hex')
    default: {
      const name = hash_function === 'sha3' ? 'sha3-256' : hash_function
      return (text) => hash(name, text)
    }
  }
}
