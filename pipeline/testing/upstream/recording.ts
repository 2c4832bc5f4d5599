/**
 * The form of `testdata/upstream.json`: one case a line, and what stands in several outcomes only once, as cases mostly leave alone what went
 * in. `{ "$part": 3 }` stands for the fourth of `parts`, which itself names only parts before it.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Outcome } from './cases.ts'

interface Recording {
  readonly parts: readonly unknown[]
  readonly cases: Readonly<Record<string, unknown>>
}

/** Naming a shorter part would save nothing. */
const shortestPart = 40

/** By case. */
export async function readRecorded(folder: string): Promise<Readonly<Record<string, Outcome>>> {
  const { parts, cases } = JSON.parse(await readFile(fileIn(folder), 'utf8')) as Recording
  const whole: unknown[] = []
  const complete = (item: unknown): unknown => mapped(item, (part) => (isPart(part) ? whole[part.$part] : undefined))
  for (const part of parts) whole.push(complete(part))
  return complete(cases) as Record<string, Outcome>
}

export function writeRecorded(folder: string, outcomes: Readonly<Record<string, Outcome>>): Promise<void> {
  return writeFile(fileIn(folder), recordingText(outcomes))
}

function recordingText(outcomes: Readonly<Record<string, Outcome>>): string {
  const uses = new Map<string, number>()
  for (const outcome of Object.values(outcomes)) count(outcome, uses)
  const parts: string[] = []
  const indexes = new Map<string, number>()
  const shorten = (item: unknown): unknown =>
    mapped(item, (whole) => {
      const text = JSON.stringify(whole)
      if (uses.get(text) === 1 || text.length < shortestPart) return undefined
      let index = indexes.get(text)
      if (index === undefined) {
        const part = JSON.stringify(inside(whole, shorten))
        index = parts.push(part) - 1
        indexes.set(text, index)
      }
      return { $part: index }
    })
  const cases = Object.entries(outcomes).map(
    ([name, outcome]) => `${JSON.stringify(name)}: ${JSON.stringify(shorten(outcome))}`,
  )
  return `{\n"parts": [\n${parts.join(',\n')}\n],\n"cases": {\n${cases.join(',\n')}\n}\n}\n`
}

/** How often each object and list occurs, by its text; not again within one that was counted before, which is one part then. */
function count(item: unknown, uses: Map<string, number>): void {
  if (typeof item !== 'object' || item === null) return
  const text = JSON.stringify(item)
  const before = uses.get(text) ?? 0
  uses.set(text, before + 1)
  if (before === 0) for (const part of Object.values(item)) count(part, uses)
}

/** `item`, or what `replace` puts in the place of it or of what is inside. */
function mapped(item: unknown, replace: (item: object) => unknown): unknown {
  if (typeof item !== 'object' || item === null) return item
  return replace(item) ?? inside(item, (part) => mapped(part, replace))
}

function inside(item: object, change: (part: unknown) => unknown): unknown {
  if (Array.isArray(item)) return item.map(change)
  return Object.fromEntries(Object.entries(item).map(([name, part]) => [name, change(part)]))
}

function isPart(item: object): item is { readonly $part: number } {
  return '$part' in item
}

function fileIn(folder: string): string {
  return join(folder, 'testdata/upstream.json')
}
