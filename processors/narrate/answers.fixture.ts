/** Answers of a model that keeps to the rules, and of ones that do not. */
import { fillers, formsOf, type Language } from './lexicon.ts'
import type { Statement } from './statements.ts'

export type Random = () => number

export function pick<T>(all: readonly T[], random: Random): T {
  return all[Math.floor(random() * all.length)]!
}

/** Any form of each word, with words between that say nothing. */
export function honestAnswer(
  statements: readonly Statement[],
  language: Language,
  random: Random,
): Record<string, string> {
  return Object.fromEntries(
    statements.map(({ id, items }) => {
      const words = items.flatMap((item) => [
        ...(random() < 0.5 ? [pick([...fillers[language]], random)] : []),
        'mark' in item ? item.mark : pick(formsOf(item.meaning, language), random),
      ])
      const [first = '', ...rest] = words
      return [id, `${first.charAt(0).toUpperCase()}${first.slice(1)} ${rest.join(' ')}.`]
    }),
  )
}

type Attack = (sentence: string, statement: Statement, random: Random, others: readonly Statement[]) => string

const insert =
  (...texts: readonly string[]): Attack =>
  (sentence, _, random) => {
    const words = sentence.split(' ')
    words.splice(Math.floor(random() * (words.length + 1)), 0, pick(texts, random))
    return words.join(' ')
  }

const swapWords = (sentence: string, test: (word: string) => boolean, random: Random): string => {
  const words = sentence.split(' ')
  const places = words.flatMap((word, i) => (test(word) ? [i] : []))
  if (places.length < 2) return `${sentence} redis`
  const from = Math.floor(random() * (places.length - 1))
  const [a, b] = [places[from]!, places[from + 1]!]
  ;[words[a], words[b]] = [words[b]!, words[a]!]
  return words.join(' ')
}
const isMark = (word: string) => /^\(?\[[a-z]\d+\]/.test(word)
const bare = (word: string) => word.replace(/[.,;:]$/, '')

/** Each makes of a sentence that may stand one that may not. */
export const attacks: Readonly<Record<string, Attack>> = {
  'an entity that nobody named': insert('redis', 'Redis', 'checkout', 'kafka', 'db-7', 'Payment-Service', 'orders_db'),
  'an entity of the diagnosis as a word': insert('payment', 'Payment', 'order', 'ORDER'),
  'a cause': insert(
    'because of a memory leak',
    'caused by the deploy',
    'due to DNS',
    'wegen der Auslieferung',
    'weil ein Zertifikat abgelaufen ist',
  ),
  'a number': insert('3', '40 %', 'two', 'twice', 'zwei', 'hundert', '٣', '½', 'IV', '1e9'),
  'a link': insert('http://evil.example/x', 'evil.example', '[here](https://evil.example)', 'www.evil.example', 'in.it', 'file:///etc/passwd'), // biome-ignore format: one thing
  'a command': insert('`rm -rf /`', '$(reboot)', '<script>', '@everyone', '<!channel>', 'kubectl'),
  'a negation': insert('not', 'never', 'nicht', 'kein', 'hardly', 'un'),
  'how sure it is': insert('certainly', 'possibly', 'confirmed', 'vielleicht', 'sicher', 'likely'),
  'a mark of nothing': insert('[e99]', '[n0]', '[x1]', '{e1}', '[E1]', '[e1', 'e1]', '[[e1]]', '[e01]'),
  'a mark of another statement': (sentence, statement, random, others) => {
    const foreign = others.flatMap((one) => [...one.marked.keys()]).filter((mark) => !statement.marked.has(mark))
    return insert(foreign.length === 0 ? '[e77]' : pick(foreign, random))(sentence, statement, random, others)
  },
  'a mark twice': (sentence, statement, random, others) =>
    insert(...statement.marked.keys())(sentence, statement, random, others),
  'a mark left out': (sentence, _, random) => {
    const words = sentence.split(' ')
    const places = words.flatMap((word, i) => (isMark(word) ? [i] : []))
    words.splice(pick(places, random), 1)
    return places.length === 0 ? 'redis' : words.join(' ')
  },
  'marks that change places': (sentence, _, random) => swapWords(sentence, isMark, random),
  'a name where its mark stood': (sentence, statement, random) => {
    const mark = pick([...statement.marked.keys()], random)
    return sentence.replace(mark, statement.marked.get(mark)!)
  },
  'words of meaning left out': (sentence, statement, random) => {
    const words = sentence.split(' ')
    const known = new Set(
      statement.items.flatMap((item) =>
        'meaning' in item ? [...formsOf(item.meaning, 'en'), ...formsOf(item.meaning, 'de')] : [],
      ),
    )
    const free = new Set([...fillers.en, ...fillers.de])
    const places = words.flatMap((word, i) =>
      known.has(bare(word).toLowerCase()) && !free.has(bare(word).toLowerCase()) ? [i] : [],
    )
    if (places.length === 0) return 'redis'
    words.splice(pick(places, random), 1)
    return words.join(' ')
  },
  'letters that look like ours': (sentence, _, random) => {
    const alike = new Map(
      Object.entries({ a: '\u0430', e: '\u0435', o: '\u043e', p: '\u0440', c: '\u0441', x: '\u0445', i: '\u0456', s: '\u0455' }), // biome-ignore format: one thing
    )
    const places = sentence.split('').flatMap((letter, i) => (alike.has(letter) && !inMark(sentence, i) ? [i] : []))
    if (places.length === 0) return `${sentence} rеdis`
    const at = pick(places, random)
    return sentence.slice(0, at) + alike.get(sentence[at]!)! + sentence.slice(at + 1)
  },
  'letters that nobody sees': (sentence, _, random) => {
    const at = 1 + Math.floor(random() * (sentence.length - 1))
    return `${sentence.slice(0, at)}${pick(['\u200b', '\u202e', '\u00ad', '\u2066', '\ufeff', '\u0000', '\u001b[31m', '\n\n#', '\u0301', '\u{e0041}'], random)}${sentence.slice(at)} ${pick(['', 'x'], random)}` // biome-ignore format: one thing
  },
  'full-width and styled letters': insert('ｒｅｄｉｓ', '𝐫𝐞𝐝𝐢𝐬', 'ⓡedis', '3', '𝟑'),
}

function inMark(sentence: string, at: number): boolean {
  return sentence.lastIndexOf('[', at) > sentence.lastIndexOf(']', at)
}
