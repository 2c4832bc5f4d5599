/**
 * What a diagnosis says, cut into statements, and each of them into words of the lexicon and marks. A mark stands for a name, a number, or a text of
 * telemetry: for whatever the lexicon does not hold. Only what is left leaves this process, so that no telemetry reaches a model, and none can
 * instruct it.
 */
import type { Diagnosis, Hypothesis } from '../../pipeline/vocabulary/diagnosis.ts'
import { type Entity, entityLabel } from '../../pipeline/vocabulary/entity.ts'
import type { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { fillers, type Language, meaningsOf } from './lexicon.ts'

export const sections = ['cause', 'evidence', 'ruled_out', 'affected'] as const
export type Section = (typeof sections)[number]

/** A mark by what it is written as, or the meaning of a word and the part between two marks of punctuation that it stands in. In the order of the computed text. */
export type Item = { readonly mark: string } | { readonly meaning: number; readonly clause: number }

export interface Statement {
  readonly id: string
  readonly section: Section
  /** As it was computed. */
  readonly text: string
  /** The same with marks. */
  readonly template: string
  readonly items: readonly Item[]
  /** By mark, what it stands for. */
  readonly marked: ReadonlyMap<string, string>
}

const most: Readonly<Record<Section, number>> = { cause: 1, evidence: 4, ruled_out: 3, affected: 3 }
const maxTextLength = 400
/** A text of so many is a list, which no sentence makes clearer. */
const maxMarks = 14

const hypothesisWords: Readonly<Record<Language, Readonly<Record<Hypothesis, string>>>> = {
  en: {
    cpu: 'processor',
    memory: 'memory',
    disk: 'disk',
    network: 'network',
    pool_or_lock: 'connection pool or lock',
    cache: 'cache',
    queue: 'queue',
    query: 'query',
    code: 'code',
    traffic: 'traffic',
    deploy: 'deploy',
    config: 'configuration',
    certificate_or_dns: 'certificate or name',
    node: 'machine',
    external: 'not ours',
    unknown: 'by what is not known',
  },
  de: {
    cpu: 'Prozessor',
    memory: 'Arbeitsspeicher',
    disk: 'Festplatte',
    network: 'Netz',
    pool_or_lock: 'Verbindungspool oder Sperre',
    cache: 'Cache',
    queue: 'Warteschlange',
    query: 'Abfrage',
    code: 'Code',
    traffic: 'Verkehr',
    deploy: 'Auslieferung',
    config: 'Konfiguration',
    certificate_or_dns: 'Zertifikat oder Name',
    node: 'Maschine',
    external: 'nicht unseres',
    unknown: 'wodurch, ist nicht bekannt',
  },
}

export interface Wording {
  readonly language: Language
  readonly time: LocalTime
}

export function statementsOf(diagnosis: Diagnosis, { language, time }: Wording): readonly Statement[] {
  const [first] = diagnosis.causes
  const labels = labelsOf(diagnosis)
  const texts: Readonly<Record<Section, readonly string[]>> = {
    cause: [],
    evidence: (first?.findings ?? []).map(({ text }) => text),
    ruled_out: diagnosis.ruled_out.map(({ text }) => text),
    affected: diagnosis.affected.map(
      ({ operation, share }) => `${Math.round(share * 100)} % of the requests of ${entityLabel(operation)} need it`,
    ),
  }
  const out: Statement[] = []
  if (first !== undefined) {
    const told = new Told()
    told.mark('e', oneLine(entityLabel(first.entity)))
    told.gap(', ')
    told.mark('q', hypothesisWords[language][first.hypothesis])
    told.gap(', ')
    told.word('since')
    told.gap(' ')
    told.mark('n', time.second(Number(BigInt(first.since) / 1_000_000_000n)))
    if (first.path.length > 1) {
      told.gap('; ')
      told.word('felt')
      told.gap(' ')
      told.word('through')
      for (const [i, entity] of first.path.slice(1, 6).entries()) {
        told.gap(i === 0 ? ' ' : ', ')
        told.mark('e', oneLine(entityLabel(entity)))
      }
    }
    out.push(told.statement('cause1', 'cause'))
  }
  for (const section of sections)
    for (const [i, text] of texts[section].slice(0, most[section]).entries())
      out.push(parsed(`${section}${i + 1}`, section, oneLine(text), labels))
  return out
}

/** Whether a model may say it in other words. */
export const mayBeRephrased = ({ items, marked }: Statement): boolean =>
  marked.size <= maxMarks && items.some((item) => 'meaning' in item)

/** Names that the diagnosis holds, longest first, so that a name within another is not cut out of it. */
function labelsOf({ entity, causes, ruled_out, affected }: Diagnosis): readonly string[] {
  const all: readonly Entity[] = [
    entity,
    ...causes.flatMap((cause) => [cause.entity, ...cause.path]),
    ...ruled_out.map((one) => one.entity),
    ...affected.map((one) => one.operation),
  ]
  const labels = new Set(
    all.flatMap((one) => [entityLabel(one), one.name, one.service]).map(oneLine).filter((label) => label !== ''), // biome-ignore format: one thing
  )
  return [...labels].sort((a, b) => b.length - a.length)
}

/** Where a word, a number or a name may end: a mark of punctuation within them is a part of them. */
const end = String.raw`(?=[,;:.?!)]*(?:\s|$))`
const edge = { before: String.raw`(?<![\p{L}\p{M}\p{N}_])`, after: String.raw`(?![\p{L}\p{M}\p{N}_])` }
const units = '%|d|h|min|s|ms|us|ns|[KMGT]iB|B|[kMGT]'
const quotedText = '"[^"]*"|“[^”]*”'
const numberText = String.raw`${edge.before}[-+]?\d+(?:[.,:]\d+)*(?:\s?(?:${units}))?${end}`
const wordText = String.raw`${edge.before}\p{L}+${end}`
const otherText = String.raw`[^\s,;:.?!()]\S*?${end}`

/** Linear in the text for each label. */
function parsed(id: string, section: Section, text: string, labels: readonly string[]): Statement {
  const label = labels.length === 0 ? '(?!)' : `${edge.before}(?:${labels.map(escaped).join('|')})${edge.after}`
  const parts = new RegExp(
    `(?<label>${label})|(?<quoted>${quotedText})|(?<number>${numberText})|(?<word>${wordText})|(?<other>${otherText})|(?<gap>[\\s,;:.?!()]+)`,
    'gu',
  )
  const told = new Told()
  for (const { 0: part, groups = {} } of text.matchAll(parts)) {
    if (groups['label'] !== undefined) told.mark('e', part)
    else if (groups['number'] !== undefined) told.mark('n', part)
    else if (groups['word'] !== undefined) told.word(part)
    else if (groups['gap'] !== undefined) told.gap(part)
    else told.mark('q', part)
  }
  return told.statement(id, section)
}

class Told {
  readonly #marked = new Map<string, string>()
  readonly #items: Item[] = []
  #clause = 0
  #template = ''
  #text = ''
  /** The mark that the text ends with, apart from space, where it stands for a text. */
  #open: string | undefined

  mark(letter: 'e' | 'n' | 'q', text: string): void {
    this.#text += text
    if (letter === 'q' && this.#open !== undefined) {
      const mark = this.#open
      const start = this.#template.lastIndexOf(mark)
      this.#marked.set(mark, `${this.#marked.get(mark)}${this.#template.slice(start + mark.length)}${text}`)
      this.#template = this.#template.slice(0, start + mark.length)
      return
    }
    const mark = `[${letter}${this.#marked.size + 1}]`
    this.#marked.set(mark, text)
    this.#items.push({ mark })
    this.#template += mark
    this.#open = letter === 'q' ? mark : undefined
  }

  word(text: string): void {
    const word = text.toLowerCase()
    const meaning = meaningsOf.en.get(word)?.[0]
    if (meaning === undefined && !fillers.en.has(word)) {
      this.mark('q', text)
      return
    }
    if (meaning !== undefined) this.#items.push({ meaning, clause: this.#clause })
    this.#text += text
    this.#template += text
    this.#open = undefined
  }

  gap(text: string): void {
    this.#text += text
    this.#template += text
    if (text.trim() === '') return
    this.#open = undefined
    this.#clause++
  }

  statement(id: string, section: Section): Statement {
    return { id, section, text: this.#text, template: this.#template, items: this.#items, marked: this.#marked }
  }
}

/** So that a text cannot pass for a paragraph of its own, and of bounded length. */
export function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return line.length > maxTextLength ? `${line.slice(0, maxTextLength)}…` : line
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
