/** `scheme:rest`, as `--config` and `${scheme:rest}` take it. */
export interface Location {
  readonly scheme: string
  readonly opaque: string
}

/** A path has no scheme; a single letter before the colon is a Windows drive. */
export function parseConfigUri(text: string): Location | undefined {
  if (/^[A-Za-z]:/.test(text) || !text.includes(':')) return { scheme: 'file', opaque: text }
  return parseLocation(text)
}

export function parseLocation(text: string): Location | undefined {
  const match = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s.exec(text)
  return match ? { scheme: match[1] ?? '', opaque: match[2] ?? '' } : undefined
}

/** `--set a.b.c=v` means `a::b::c: v`; undefined = no equal sign. */
export function parseSet(text: string): string | undefined {
  const equals = text.indexOf('=')
  if (equals < 0) return undefined
  return `${text.slice(0, equals).trim().replaceAll('.', '::')}: ${text.slice(equals + 1).trim()}`
}
