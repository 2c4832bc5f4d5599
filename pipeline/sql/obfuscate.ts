/**
 * The text of a statement without its values and comments, in one line: what upstream's receivers send as `db.query.text`. Lists of values become one `?`, so that
 * the same statement with more values stays the same.
 */
import { type SqlDialect, SqlError, type Token, Tokenizer, type TokenKind } from './tokens.ts'

/** `keepAliases`: whether `AS name` stays. Throws `SqlError` for a text that cannot be read, and for one of which nothing is left. */
export function obfuscateSql(text: string, dialect: SqlDialect, { keepAliases = false } = {}): string {
  const tokenizer = new Tokenizer(text, dialect, true)
  try {
    return written(tokenizer, keepAliases)
  } catch (error) {
    // Whether a backslash escapes is a setting of the server.
    if (!(error instanceof SqlError && tokenizer.sawEscape)) throw error
    return written(new Tokenizer(text, dialect, false), keepAliases)
  }
}

/** What became of a token: `removed` ones are nowhere, `list` is a removed parenthesis that begins one more list of values, `bracket` a removed `[` of an alias. */
type Fate = TokenKind | 'removed' | 'list' | 'bracket'

interface Step {
  readonly fate: Fate
  /** Undefined = nothing is written. */
  readonly text: string | undefined
}

function written(tokenizer: Tokenizer, keepAliases: boolean): string {
  const lists = new Lists()
  let out = ''
  let last: Step & { readonly operator: string } = { fate: 'removed', text: undefined, operator: '' }
  for (let token = tokenizer.next(); token !== undefined; token = tokenizer.next()) {
    const kept = withoutValue(withoutAlias(token, last, keepAliases), last)
    const step = lists.join(kept, token, last)
    if (step.text !== undefined) {
      const isJoined = step.text === ',' || (step.text === '=' && last.operator === ':')
      out += out === '' || isJoined ? step.text : ` ${step.text}`
    }
    last = { ...step, operator: step.fate === 'operator' ? token.text : '' }
  }
  if (out === '') throw new SqlError('result is empty')
  return out
}

/** Comments go, and with them the `;` and, unless they are kept, aliases. */
function withoutAlias(token: Token, last: Step, keepAliases: boolean): Step {
  const { kind, text } = token
  if (last.fate === 'bracket' && text !== ']') {
    if (kind !== 'word') throw new SqlError('expected identifier in bracketed filter')
    return { fate: 'bracket', text: undefined }
  }
  if (last.fate === 'bracket' || last.fate === 'as') {
    if (text === '[') return { fate: 'bracket', text: undefined }
    return keepAliases ? { fate: kind, text } : { fate: 'removed', text: undefined }
  }
  if (kind === 'comment') return { fate: 'removed', text: undefined }
  if (kind === 'operator' && text === ';') return { fate: 'value', text: undefined }
  if (kind === 'as' && !keepAliases) return { fate: 'as', text: undefined }
  return { fate: kind, text }
}

function withoutValue(step: Step, last: Step & { readonly operator: string }): Step {
  if (last.fate === 'savepoint') return { fate: 'value', text: '?' }
  if (step.fate === 'quoted' && last.operator === '=') return { fate: 'value', text: '?' }
  return step.fate === 'value' && step.text !== undefined ? { fate: 'value', text: '?' } : step
}

/** `?, ?, ?` is one `?`, and `(?, ?), (?, ?)` one `( ? )`. */
class Lists {
  #values = 0
  #lists = 0

  join(step: Step, { text: given }: Token, last: Step & { readonly operator: string }): Step {
    const { fate } = step
    const operator = fate === 'operator' ? given : ''
    const isValue = fate === 'value'
    if ((last.operator === '(' && isValue) || (operator === '(' && this.#lists > 0)) this.#lists++
    if (this.#lists > 0 && last.fate === 'list' && beginsQuery.has(fate)) {
      this.#reset()
      return { fate, text: `( ${step.text ?? ''}` }
    }
    if (isValue) return ++this.#values > 1 ? { fate, text: undefined } : step
    if (this.#values > 0 && operator === ',') return { fate: 'value', text: undefined }
    if (this.#lists > 1) return { fate: operator === '(' ? 'list' : 'value', text: undefined }
    if (operator !== ',' && operator !== '(' && operator !== ')') this.#reset()
    return step
  }

  #reset(): void {
    this.#values = 0
    this.#lists = 0
  }
}
const beginsQuery: ReadonlySet<Fate> = new Set<Fate>(['select', 'delete', 'update', 'word'])
