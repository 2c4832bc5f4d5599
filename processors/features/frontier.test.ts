import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paneMs } from './columns.ts'
import { config } from './config.ts'
import { Frontier } from './frontier.ts'

const settings = config.parse({})
const dayMs = Date.parse('2026-11-24T10:00:00Z')

/** Hears of a source at an event time, as the clock says it is then. */
function hear(frontier: Frontier, key: string, atMs: number): void {
  const unixMs = atMs + settings.delay
  const source = frontier.source(key, paneMs)
  frontier.note(source, frontier.taken(atMs, source, unixMs - dayMs, unixMs))
  frontier.settle(unixMs - dayMs, unixMs)
}

/** Ten minutes of a source that reports with each pane, as read from the journal in no time by a process that starts at their end. */
function replayed({ behindMs }: { behindMs: number }): { frontier: Frontier; endMs: number } {
  const frontier = new Frontier(settings)
  const endMs = dayMs + 600_000
  hear(frontier, 'other', endMs - behindMs - paneMs)
  hear(frontier, 'other', endMs - behindMs)
  for (let atMs = dayMs; atMs <= endMs; atMs += paneMs) hear(frontier, 'regular', atMs)
  frontier.close(endMs / paneMs)
  for (const key of ['other', 'regular']) frontier.source(key, paneMs).heardAtMs = 0
  frontier.resume(endMs - dayMs)
  return { frontier, endMs }
}

test('after a restart a source that was silent long before it is not waited for', () => {
  const { frontier, endMs } = replayed({ behindMs: 300_000 })
  const nextMs = endMs + paneMs
  hear(frontier, 'regular', nextMs)
  assert.ok(frontier.isOver(nextMs + settings.delay - dayMs, nextMs + settings.delay))
})

test('after a restart a source that spoke just before it is waited for, until the deadline', () => {
  const { frontier, endMs } = replayed({ behindMs: 0 })
  const nextMs = endMs + 2 * paneMs
  hear(frontier, 'regular', nextMs)
  const isOver = (atMs: number) => frontier.isOver(atMs - dayMs, atMs)
  assert.ok(isOver(nextMs + settings.delay) === false)
  assert.ok(isOver(nextMs + settings.delay + settings.deadline - 1) === false)
  assert.ok(isOver(nextMs + settings.delay + settings.deadline))
})
