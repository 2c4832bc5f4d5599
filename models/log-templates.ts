/**
 * Online mining of log templates in the family of Drain (He et al. 2017, ICWS): one pass, one configuration for all systems; what a line is given depends on
 * the lines before it alone. It differs from Drain in two things. Tokens are told apart by form (`log-tokens.ts`), so that a line is found by the hash of its
 * words, however many values stand between them and wherever the first of them stands. And a word becomes a variable when enough different words stood in its place
 * in otherwise equal lines, which Brain (Yu et al. 2023, IEEE TSC) reads off the frequencies of the whole file.
 */
import { LogTemplate, type SavedTemplate } from './log-template.ts'
import { hardKind, LineTokens, markKind, wordKind } from './log-tokens.ts'
import { hashCells, keyOf, star, WordHash } from './word-hash.ts'

export interface LogTemplatesOptions {
  /** When there would be more, one that was not seen for long is forgotten. At least 1. */
  readonly maxTemplates: number
  /** So many different words in one place of otherwise equal lines are values; in lines of three words or less, twice as many. At least 2. */
  readonly minValues: number
}
const defaultLogTemplatesOptions: LogTemplatesOptions = { maxTemplates: 10_000, minValues: 6 }

/** JSON, for `LogTemplates.restored`. */
export interface SavedLogTemplates {
  readonly version: 1
  readonly evicted: number
  readonly templates: readonly SavedTemplate[]
}

/** Lines of more words are compared as wholes only. */
const maxCompared = 24
/** The hash of a mark that is one delimiter is its character. */
const openBracket = 40
/** In so many places a word may become a variable. */
const maxStars = 2
/** Lines of more words are not counted by pairs of words. */
const maxPaired = 16

/** About 1 us a line; memory is bounded by `maxTemplates`, about 3 KB each. Not shared between threads. */
export class LogTemplates {
  private readonly options: LogTemplatesOptions
  private readonly tokens = new LineTokens()
  private readonly words = new Int32Array(128)
  private readonly hash = new WordHash()
  /** Of a template that is taken in or out. */
  private readonly own = new WordHash()
  /** By the hash of all words, variables as stars. */
  private readonly byWords = new Map<number, LogTemplate>()
  /** Lines in which a variable's word stood: what was found for them by trying. Bounded, oldest out. */
  private readonly variants = new Map<number, LogTemplate>()
  /** Templates that are equal but for one word, by the hash without it. */
  private readonly neighbours = new Map<number, LogTemplate | LogTemplate[]>()
  /** In the order of eviction, from `hand` on. */
  private readonly slots: LogTemplate[] = []
  private hand = 0
  /** How many templates of so many words have a star, and two. */
  private readonly starred = new Int32Array(maxCompared + 1)
  private readonly twiceStarred = new Int32Array(maxCompared + 1)
  private readonly pairs = new Uint8Array(hashCells)
  private created = 0
  /** Templates that were forgotten for want of room. */
  evicted = 0

  constructor(options: LogTemplatesOptions = defaultLogTemplatesOptions) {
    this.options = options
  }

  /** Throws on what `save` did not write. */
  static restored(saved: unknown, options: LogTemplatesOptions = defaultLogTemplatesOptions): LogTemplates {
    const { version, evicted, templates } = (saved ?? {}) as Partial<SavedLogTemplates>
    if (version !== 1 || !Array.isArray(templates)) throw new Error('saved templates: not of version 1')
    const restored = new LogTemplates(options)
    restored.evicted = typeof evicted === 'number' ? evicted : 0
    for (const template of templates.slice(-options.maxTemplates)) restored.enter(LogTemplate.restored(template))
    return restored
  }

  save(): SavedLogTemplates {
    const inOrder = [...this.slots.slice(this.hand), ...this.slots.slice(0, this.hand)]
    return { version: 1, evicted: this.evicted, templates: inOrder.map((template) => template.save()) }
  }

  get size(): number {
    return this.slots.length
  }

  *templates(): Iterable<LogTemplate> {
    yield* this.slots
  }

  /** The template of a line, as it is known now that the line was seen. */
  add(line: string): LogTemplate {
    const { tokens, words } = this
    tokens.scan(line)
    const n = this.readWords()
    const { hash } = this
    hash.of(words, n)
    const key = keyOf(hash.h1, hash.h2)
    const known = this.byWords.get(key) ?? this.variant(key) ?? this.find(key, n)
    const template = known ?? this.create(n)
    template.count++
    // Seen once is no reason to stay.
    if (known !== undefined) template.isRecent = true
    template.fit(tokens)
    return template
  }

  /** What stood at the variables of `template`, in order, in the line that was added last. */
  parameters(template: LogTemplate): string[] {
    return template.parameters(this.tokens)
  }

  /** A remark in brackets that is there or not makes another line. A line of values only is told apart by its marks. */
  private readWords(): number {
    const { tokens, words } = this
    let n = 0
    let brackets = 0
    for (let i = 0; i < tokens.count; i++) {
      const kind = tokens.kind[i]!
      if (kind === wordKind) {
        words[n++] = (tokens.stemHash[i]! + Math.imul(brackets, 0x632be5ab)) | 0
        brackets = 0
      } else if (kind === markKind && tokens.hash[i] === openBracket) brackets++
    }
    if (n > 0) return n
    for (let i = 0; i < tokens.count; i++) words[n++] = tokens.kind[i] === markKind ? tokens.hash[i]! : hardKind
    return n
  }

  private variant(key: number): LogTemplate | undefined {
    let template = this.variants.get(key)
    // Forgotten, or become a part of another.
    while (template?.isGone === true) template = template.into
    return template
  }

  /** For words that were not seen together: the template in which one or two of them are variables. */
  private find(key: number, n: number): LogTemplate | undefined {
    if (n > maxCompared || this.starred[n] === 0) return undefined
    const { words, hash } = this
    for (let i = 0; i < n; i++) {
      let found = this.byWords.get(hash.keyWithStars(words, n, i, -1))
      if (this.twiceStarred[n]! > 0)
        for (let j = i + 1; j < n && found === undefined; j++)
          found = this.byWords.get(hash.keyWithStars(words, n, i, j))
      if (found === undefined) continue
      this.remember(key, found)
      return found
    }
    return undefined
  }

  private remember(key: number, template: LogTemplate): void {
    if (this.variants.size >= 4 * this.options.maxTemplates) {
      const oldest = this.variants.keys().next()
      if (oldest.done !== true) this.variants.delete(oldest.value)
    }
    this.variants.set(key, template)
  }

  private create(n: number): LogTemplate {
    const template = LogTemplate.of(this.hash.id(), this.tokens, this.words.slice(0, n))
    const pair = this.countPairs(n)
    if (pair < 0) return this.enter(template)
    template.star(pair % maxCompared)
    template.star(Math.floor(pair / maxCompared))
    this.remember(keyOf(this.hash.h1, this.hash.h2), template)
    return this.enter(template)
  }

  /**
   * Lines in which two words are new each time have no neighbours that differ in one. So it is also counted, in a table that forgets, how many new templates
   * were equal but for two words. Answers the places of such a pair, as j * maxCompared + i, once it came often; -1 otherwise.
   */
  private countPairs(n: number): number {
    if (n < 5 || n > maxPaired) return -1
    const { pairs, words, hash } = this
    if (++this.created % this.options.maxTemplates === 0) for (let i = 0; i < pairs.length; i++) pairs[i]! >>= 1
    let best = 4 * this.options.minValues - 1
    let pair = -1
    for (let i = 0; i < n; i++)
      for (let j = i + 1; j < n; j++) {
        const cell = hash.cellWithStars(words, n, i, j)
        if (pairs[cell]! < 255) pairs[cell]!++
        if (pairs[cell]! <= best) continue
        best = pairs[cell]!
        pair = j * maxCompared + i
      }
    return pair
  }

  /** Takes a template in, and makes it one with its neighbours once there are enough of them. */
  private enter(template: LogTemplate): LogTemplate {
    if (this.slots.length >= this.options.maxTemplates) this.replaceOldest(template)
    else this.slots.push(template)
    return this.register(template)
  }

  private register(template: LogTemplate): LogTemplate {
    const { words, stars } = template
    const { own } = this
    const n = words.length
    own.of(words, n)
    this.byWords.set(keyOf(own.h1, own.h2), template)
    if (stars > 0) this.countStars(n, stars, 1)
    if (n < 2 || n > maxCompared || !template.hasWords || stars >= maxStars) return template
    const enough = n > 3 ? this.options.minValues : 2 * this.options.minValues
    for (let i = 0; i < n; i++) {
      if (words[i] === star) continue
      const key = own.keyWithStars(words, n, i, -1)
      const others = this.neighbours.get(key)
      if (others === undefined) this.neighbours.set(key, template)
      else if (others instanceof LogTemplate) this.neighbours.set(key, [others, template])
      else others.push(template)
      const size = others === undefined ? 1 : others instanceof LogTemplate ? 2 : others.length
      if (size >= enough) return this.unite(this.neighbours.get(key) as LogTemplate[], i)
    }
    return template
  }

  private unregister(template: LogTemplate): void {
    const { words, stars } = template
    const { own } = this
    const n = words.length
    own.of(words, n)
    const ownKey = keyOf(own.h1, own.h2)
    if (this.byWords.get(ownKey) === template) this.byWords.delete(ownKey)
    if (stars > 0) this.countStars(n, stars, -1)
    if (n < 2 || n > maxCompared) return
    for (let i = 0; i < n; i++) {
      if (words[i] === star) continue
      const key = own.keyWithStars(words, n, i, -1)
      const others = this.neighbours.get(key)
      if (others === template) this.neighbours.delete(key)
      else if (others !== undefined && !(others instanceof LogTemplate)) {
        const at = others.indexOf(template)
        if (at >= 0) others.splice(at, 1)
        if (others.length === 0) this.neighbours.delete(key)
      }
    }
  }

  private countStars(n: number, stars: number, by: 1 | -1): void {
    if (n > maxCompared) return
    this.starred[n]! += by
    if (stars > 1) this.twiceStarred[n]! += by
  }

  /** The one that was seen most keeps its id and takes the others in: their word at `position` is a variable from now on. */
  private unite(members: readonly LogTemplate[], position: number): LogTemplate {
    const [kept, ...others] = members.toSorted((a, b) => b.count - a.count) as [LogTemplate, ...LogTemplate[]]
    this.unregister(kept)
    for (const other of others) {
      this.unregister(other)
      this.remember(other.key(), kept)
      this.slots.splice(this.slots.indexOf(other), 1)
      if (this.hand >= this.slots.length) this.hand = 0
      other.isGone = true
      other.into = kept
      kept.count += other.count
    }
    this.remember(kept.key(), kept)
    kept.star(position)
    // Another may have been made of the same neighbours before.
    const same = this.byWords.get(kept.key())
    if (same === undefined) return this.register(kept)
    this.slots.splice(this.slots.indexOf(kept), 1)
    if (this.hand >= this.slots.length) this.hand = 0
    kept.isGone = true
    kept.into = same
    same.count += kept.count
    return same
  }

  /** The clock algorithm: who was seen again since the hand passed last gets another round. */
  private replaceOldest(by: LogTemplate): void {
    const { slots } = this
    for (;;) {
      if (this.hand >= slots.length) this.hand = 0
      const at = this.hand++
      const template = slots[at]!
      if (template.isRecent) {
        template.isRecent = false
        continue
      }
      slots[at] = by
      this.unregister(template)
      template.isGone = true
      this.evicted++
      return
    }
  }
}
