/** Go's filepath-like glob of gobwas/glob without separators: `*`, `?`, `[a-z]`, `{a,b}`. */
import { Regex } from './regex.ts'

export function compileGlob(pattern: string): Regex {
  let source = ''
  let depth = 0
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!
    if (c === '\\') source += quote(pattern[++i] ?? '\\')
    else if (c === '*') source += pattern[i + 1] === '*' ? '' : '(?s:.*)'
    else if (c === '?') source += '(?s:.)'
    else if (c === '[') {
      const end = pattern.indexOf(']', i + 2)
      if (end < 0) throw new SyntaxError(`the pattern ${JSON.stringify(pattern)} has no ] for its [`)
      source += `[${pattern
        .slice(i + 1, end)
        .replace(/^!/, '^')
        .replaceAll(/[\\[\]]/g, '\\$&')}]`
      i = end
    } else if (c === '{') {
      depth++
      source += '(?:'
    } else if (c === '}' && depth > 0) {
      depth--
      source += ')'
    } else source += c === ',' && depth > 0 ? '|' : quote(c)
  }
  if (depth > 0) throw new SyntaxError(`the pattern ${JSON.stringify(pattern)} has no } for its {`)
  return new Regex(`\\A${source}\\z`)
}

function quote(c: string): string {
  return /[\\.+*?()|[\]{}^$]/.test(c) ? `\\${c}` : c
}
