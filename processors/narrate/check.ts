/**
 * The proof that a sentence adds nothing, by a list of what may be said rather than of what may not: apart from words that say nothing, it holds
 * the meanings and the marks of the computed text, each of them once, in their order; only within a clause, between two marks, words may change
 * places, as grammars do. So no entity, number or cause can come in, none can be left
 * out, and none can change its place or be denied. Cost: linear in the answer.
 */
import { fillers, type Language, meaningsOf } from './lexicon.ts'
import type { Item, Statement } from './statements.ts'

export type Refusal = 'too_long' | 'no_json' | 'statement' | 'form' | 'mark' | 'word' | 'name' | 'meaning'
export type Checked = { readonly texts: ReadonlyMap<string, string> } | { readonly refused: Refusal }

const maxAnswerLength = 16_000

/** `answer` is what the model wrote: a JSON object of texts by the statements' ids. `names` are words that name something here, in lower case. */
export function check(
  answer: string,
  statements: readonly Statement[],
  names: ReadonlySet<string>,
  language: Language,
): Checked {
  if (answer.length > maxAnswerLength) return { refused: 'too_long' }
  const said = objectOf(answer)
  if (said === undefined) return { refused: 'no_json' }
  if (Object.keys(said).length !== statements.length) return { refused: 'statement' }
  const texts = new Map<string, string>()
  for (const statement of statements) {
    const text = Object.hasOwn(said, statement.id) ? said[statement.id] : undefined
    if (typeof text !== 'string') return { refused: 'statement' }
    const line = text.normalize('NFC').trim()
    const refused = refusalOf(line, statement.items, names, language)
    if (refused !== undefined) return { refused }
    // In one pass: what a mark stands for may look like a mark and is not filled in again.
    texts.set(
      statement.id,
      line.replaceAll(/\[[a-z]\d+\]/g, (mark) => statement.marked.get(mark) ?? ''),
    )
  }
  return { texts }
}

/** The object, which some models put between fences. */
function objectOf(answer: string): Readonly<Record<string, unknown>> | undefined {
  const inside = /^```(?:json)?\n(.*)\n```$/s.exec(answer.trim())?.[1] ?? answer
  try {
    const said: unknown = JSON.parse(inside)
    return typeof said === 'object' && said !== null && !Array.isArray(said)
      ? (said as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** A word or a mark between spaces; punctuation stands only behind it, so that no two words make an address. */
const token = /^\(?(\[[a-z]\d{1,2}\]|\p{L}{1,30})\)?[,.;:]?$/u

function refusalOf(
  line: string,
  items: readonly Item[],
  names: ReadonlySet<string>,
  language: Language,
): Refusal | undefined {
  const open = new Set(items.keys())
  for (const part of line.split(' ')) {
    if (part === '') continue
    const said = token.exec(part)?.[1]
    if (said === undefined) return 'form'
    const [next] = open
    if (said.startsWith('[')) {
      const expected = next === undefined ? undefined : items[next]!
      if (next === undefined || expected === undefined || !('mark' in expected) || expected.mark !== said) return 'mark'
      open.delete(next)
      continue
    }
    const word = said.toLowerCase()
    // What is written in letters that only look like ours is another word, even where their lower case is ours.
    if (said !== word && said !== capitalized(word) && said !== word.toUpperCase()) return 'word'
    if (names.has(word)) return 'name'
    const meanings = meaningsOf[language].get(word)
    const found = meanings && placeOf(meanings, items, open)
    if (found !== undefined) open.delete(found)
    else if (!fillers[language].has(word)) return meanings === undefined ? 'word' : 'meaning'
  }
  return open.size === 0 ? undefined : 'meaning'
}

/** Of the first that is open in the clause that is next, up to the next mark. */
function placeOf(meanings: readonly number[], items: readonly Item[], open: ReadonlySet<number>): number | undefined {
  let clause: number | undefined
  for (const place of open) {
    const item = items[place]!
    if ('mark' in item) return undefined
    clause ??= item.clause
    if (item.clause !== clause) return undefined
    if (meanings.includes(item.meaning)) return place
  }
  return undefined
}

const capitalized = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`
