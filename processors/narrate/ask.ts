/** What the model is asked. Nothing in it comes from telemetry: words of the lexicon, and marks. */
import type { Question } from '../../pipeline/capability/language-model.ts'
import { fillers, formsOf, type Language } from './lexicon.ts'
import type { Item, Statement } from './statements.ts'

const languageNames: Readonly<Record<Language, string>> = { en: 'English', de: 'German' }
const tokensPerStatement = 120

export function question(statements: readonly Statement[], language: Language): Question {
  const instructions = [
    `You put statements of an incident report into plain, grammatical ${languageNames[language]}, each into one sentence of its own.`,
    'A statement has marks like [e1], [n2], [q3]: they stand for a name, a number with its unit, a quoted text. You do not know which, and need not.',
    'Rules, which a program checks; a sentence that breaks one is thrown away with all others:',
    '1. Every mark of a statement stands in its sentence once, in the order of the statement, written as it is. No other marks.',
    `2. For each word of "words" stands exactly one of the forms given for it, between the same marks, in this order; only within a group in brackets the order is free. You may add only these: ${[...fillers[language]].join(' ')}`,
    '3. No other word, no digit, no bracket but those of marks. Punctuation: comma, full stop, semicolon, colon, round brackets, each followed by a space.',
    'Answer with one JSON object of the sentences by the statements\' ids, as {"cause1": "...", "evidence1": "..."}, and nothing else.',
  ].join('\n')
  const asked = statements.map(({ id, template, items }) => ({
    id,
    statement: template,
    words: inGroups(items, language),
  }))
  return { instructions, text: JSON.stringify(asked), maxTokens: 200 + tokensPerStatement * statements.length }
}

/** What stands in one clause between the same marks is one group. */
function inGroups(items: readonly Item[], language: Language): readonly (string | readonly string[])[] {
  const groups: (string | string[])[] = []
  let clause: number | undefined
  for (const item of items) {
    if ('mark' in item) {
      groups.push(item.mark)
      clause = undefined
      continue
    }
    const forms = formsOf(item.meaning, language).join('/')
    const last = groups.at(-1)
    if (item.clause === clause && Array.isArray(last)) last.push(forms)
    else groups.push([forms])
    clause = item.clause
  }
  return groups
}
