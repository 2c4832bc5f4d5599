/** The text of a query without its values: what is left is the same for all calls of one place in a program, and says nothing about anybody. */

const maxLength = 256
/** In these systems double quotes stand around names; in all others they may stand around values. */
const quotesNames = new Set([
  'postgresql',
  'redshift',
  'aws.redshift',
  'cockroachdb',
  'oracle',
  'oracle.db',
  'db2',
  'ibm.db2',
  'h2',
  'h2database',
  'derby',
  'snowflake',
  'trino',
])

/** Comments go, values become `?`, lists of values one `?`, white space one space; cut off after 256 characters. */
export function queryWithoutValues(text: string, system: string): string {
  // Long enough for what is kept, whatever is cut out of it, and short enough not to cost much.
  const head = text.length > 8_192 ? text.slice(0, 8_192) : text
  const isJson = /^\s*[{[]/.test(head)
  const plain = isJson ? withoutJsonValues(head) : withoutSqlValues(head, quotesNames.has(system))
  return plain.replace(/\s+/g, ' ').trim().slice(0, maxLength)
}

/** Of equal length at each place: comments, texts in all their quotes (an open one runs to the end), numbers that are no part of a name. */
const sqlParts =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\$([A-Za-z_]\w*)?\$[\s\S]*?(?:\$\1\$|$)|[A-Za-z]?'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|"(?:[^"\\]|""|\\[\s\S])*(?:"|$)|`[^`]*(?:`|$)|\[[A-Za-z_][\w $.]*\]|[:@][A-Za-z_]\w*|\$\d+|0[xX][0-9a-fA-F]+|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/g

function withoutSqlValues(text: string, keepsDoubleQuotes: boolean): string {
  return text
    .replace(sqlParts, (part) => {
      const first = part.charCodeAt(0)
      if (part.startsWith('--') || part.startsWith('/*')) return ' '
      if (part.endsWith("'") || /^[A-Za-z]?'/.test(part)) return '?'
      if (first === 0x22) return keepsDoubleQuotes && part.length < 66 ? part : '?'
      // A placeholder, or a text between dollars.
      if (first === 0x24) return /^\$\d+$/.test(part) ? '?' : part.length > 1 && part.endsWith('$') ? '?' : part
      return /^[-+.\d]/.test(part) ? signOf(part) : part
    })
    .replace(/\(\s*\?(?:\s*,\s*\?)+\s*\)/g, '(?)')
    .replace(/\(\?\)(?:\s*,\s*\(\?\))+/g, '(?)')
}

/** `a-1` is a difference. */
function signOf(number: string): string {
  return number.startsWith('-') || number.startsWith('+') ? `${number[0]}?` : '?'
}

/** Names before a colon stay; whatever else stands for itself goes. */
function withoutJsonValues(text: string): string {
  return text
    .replace(/"(?:[^"\\]|\\[\s\S])*(?:"|$)(\s*:)?|'(?:[^'\\]|\\[\s\S])*(?:'|$)(\s*:)?|[-+]?\d[\w.+-]*/g, (part) =>
      /["']\s*:$/.test(part) ? part : '?',
    )
    .replace(/\[\s*\?(?:\s*,\s*\?)+\s*\]/g, '[?]')
}
