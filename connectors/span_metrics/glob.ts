/** Globs of attribute names as github.com/gobwas/glob reads them with a dot as separator: `*`, `**`, `?`, `[abc]`, `[!a-z]`, `{one,two}`, `\`. */

const unfinished = { error: 'unexpected end of input' }

export function compileGlob(glob: string): RegExp | { readonly error: string } {
  let pattern = ''
  let depth = 0
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!
    if (char === '\\') {
      if (++i === glob.length) return unfinished
      pattern += literal(glob[i]!)
    } else if (char === '*') {
      let stars = 1
      while (glob[i + 1] === '*') {
        stars++
        i++
      }
      pattern += stars > 1 ? '[^]*' : '[^.]*'
    } else if (char === '?') pattern += '[^.]'
    else if (char === '[') {
      const list = characters(glob, i + 1)
      if ('error' in list) return list
      pattern += list.pattern
      i = list.end
    } else if (char === '{') {
      depth++
      pattern += '(?:'
    } else if (char === '}' && depth > 0) {
      depth--
      pattern += ')'
    } else pattern += char === ',' && depth > 0 ? '|' : literal(char)
  }
  return depth > 0 ? unfinished : new RegExp(`^(?:${pattern})$`)
}

function characters(glob: string, from: number): { pattern: string; end: number } | { error: string } {
  const isNot = glob[from] === '!'
  const start = isNot ? from + 1 : from
  let end = start
  while (end < glob.length && glob[end] !== ']') end += glob[end] === '\\' ? 2 : 1
  if (end >= glob.length) return unfinished
  const inside = glob.slice(start, end)
  if (inside === '') return { error: 'expected a range like [a-z] or a list like [abc]' }
  const range = /^([^\\])-([^\\])$/.exec(inside)
  if (range !== null && range[1]! > range[2]!)
    return { error: `hi character ${range[2]!} should be greater than lo ${range[1]!}` }
  const body =
    range === null
      ? inside.replace(/\\?(.)/gs, (_all, char: string) => classLiteral(char))
      : `${classLiteral(range[1]!)}-${classLiteral(range[2]!)}`
  return { pattern: `[${isNot ? '^' : ''}${body}]`, end }
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
}
function classLiteral(char: string): string {
  return char.replace(/[\\\]^-]/g, String.raw`\$&`)
}
