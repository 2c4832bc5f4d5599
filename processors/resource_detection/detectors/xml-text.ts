/** The little of XML that AWS's query protocol answers with: elements without attributes, text with the five entities. */

/** The text of the first element of that name; empty where there is none. */
export function xmlText(xml: string, name: string): string {
  return unescaped(xmlElements(xml, name)[0] ?? '')
}

/** What stands inside each outermost element of that name. */
export function xmlElements(xml: string, name: string): string[] {
  const found: string[] = []
  const tag = new RegExp(`<(/?)${name}>`, 'g')
  let depth = 0
  let start = 0
  for (const { 0: whole, 1: close, index } of xml.matchAll(tag)) {
    if (close === '') {
      if (depth++ === 0) start = index + whole.length
    } else if (depth > 0 && --depth === 0) found.push(xml.slice(start, index))
  }
  return found
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

function unescaped(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(lt|gt|quot|apos|amp));/gi, (_whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(String(hex), 16))
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    return entities[String(name).toLowerCase()] ?? ''
  })
}
