/** Snake and camel case, by the rules of the strcase library that upstream uses. Letters and digits are ASCII's. */

/** A word begins where lower case changes to upper, letters to digits or digits to letters, and at the last capital of a run: `JSONData`. */
export function toSnake(text: string): string {
  const all = text.trim()
  let result = ''
  for (let i = 0; i < all.length; i++) {
    const c = all[i]!
    const kind = kindOf(c)
    const next = i + 1 < all.length ? kindOf(all[i + 1]!) : 'other'
    const isRunEnd = kind === 'upper' && next === 'lower' && i > 0 && kindOf(all[i - 1]!) === 'upper'
    if (isRunEnd) result += '_'
    result += isSeparator(c) ? '_' : kind === 'upper' ? c.toLowerCase() : c
    const changes = kind !== 'other' && next !== 'other' && kind !== next
    if (changes && (kind !== 'upper' || next === 'digit')) result += '_'
  }
  return result
}

/** Words begin after separators and digits; what is neither letter nor digit goes, and runs of capitals become a capitalised word. */
export function toCamel(text: string): string {
  let result = ''
  let startsWord = true
  let wasUpper = false
  for (const c of text.trim()) {
    const kind = kindOf(c)
    if (kind === 'other') startsWord = isSeparator(c)
    else if (kind === 'digit') {
      result += c
      startsWord = true
    } else {
      result += startsWord ? c.toUpperCase() : wasUpper && kind === 'upper' ? c.toLowerCase() : c
      startsWord = false
    }
    wasUpper = kind === 'upper'
  }
  return result
}

function isSeparator(c: string): boolean {
  return c === ' ' || c === '_' || c === '-' || c === '.'
}

function kindOf(c: string): 'upper' | 'lower' | 'digit' | 'other' {
  if (c >= 'A' && c <= 'Z') return 'upper'
  if (c >= 'a' && c <= 'z') return 'lower'
  return c >= '0' && c <= '9' ? 'digit' : 'other'
}
