/** Plots as inline SVG. Colours are the page's variables, so that they follow light and dark. */
import type { Bars, Curves, Plot, Timeline } from './plot.ts'

const width = 900
/** Of series, in their order; ours comes first. */
const seriesColours = ['--c0', '--c1', '--c2', '--c3', '--c4', '--c5', '--c6'] as const

export function svgOf(plot: Plot): string {
  switch (plot.kind) {
    case 'timeline':
      return timelineSvg(plot)
    case 'curves':
      return curvesSvg(plot)
    case 'bars':
      return barsSvg(plot)
  }
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

function timelineSvg({ title, rows, scores, alarms, labelled, threshold, from, to }: Timeline): string {
  const [top, bottom, height] = [8, 132, 166]
  const x = (row: number) => round((row * width) / rows)
  const y = (score: number) => round(bottom - (bottom - top) * score)
  const isIn = (row: number) => labelled.some((span) => row >= span.from && row <= span.to)
  const spans = labelled.map((span) => {
    const isFound = alarms.some((row) => row >= span.from && row <= span.to)
    const w = Math.max(1.5, x(span.to + 1) - x(span.from))
    const said = `rows ${span.from} to ${span.to}: ${isFound ? 'found' : 'missed'}`
    return `<rect class="${isFound ? 'found' : 'missed'}" x="${x(span.from)}" y="${top}" width="${round(w)}" height="${bottom - top}"><title>${said}</title></rect>`
  })
  const line = Array.from(scores, (score, bin) => `${round(((bin + 0.5) * width) / scores.length)} ${y(score)}`).join(
    'L',
  )
  const marks = alarms.map((row) => {
    const at = x(row + 0.5)
    const isTrue = isIn(row)
    return `<path class="${isTrue ? 'hit' : 'false'}" d="M${at} ${bottom + 3}l4 8h-8z"><title>row ${row}: ${isTrue ? 'alarm' : 'false alarm'}</title></path>`
  })
  const limit = threshold === undefined ? '' : `<path class="limit" d="M0 ${y(threshold)}H${width}"/>`
  const axis = `<path class="axis" d="M0 ${bottom}H${width}"/><text x="0" y="${height - 4}">${escapeHtml(from)}</text><text x="${width}" y="${height - 4}" text-anchor="end">${escapeHtml(to)}</text>`
  return svg(title, height, `${spans.join('')}<path class="score" d="M${line}"/>${limit}${axis}${marks.join('')}`)
}

function curvesSvg({ title, curves }: Curves): string {
  const [left, right, top, bottom, height] = [56, 890, 12, 372, 414] as const
  const x = (recall: number) => round(left + (right - left) * recall)
  const y = (precision: number) => round(bottom - (bottom - top) * precision)
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  const grid = ticks.map(
    (at) =>
      `<path class="grid" d="M${x(at)} ${top}V${bottom}M${left} ${y(at)}H${right}"/><text x="${x(at)}" y="${bottom + 16}" text-anchor="middle">${at}</text><text x="${left - 6}" y="${y(at) + 4}" text-anchor="end">${at}</text>`,
  )
  const lines = curves.map(({ name, precision, point }, i) => {
    const colour = `var(${colourOf(i)})`
    const at = Array.from(precision, (value, step) => `${x(step / (precision.length - 1))} ${y(value)}`)
    const path = Number.isNaN(precision[0]) ? '' : `<path class="curve" style="stroke:${colour}" d="M${at.join('L')}"/>`
    const dot =
      point === undefined
        ? ''
        : `<circle style="fill:${colour}" cx="${x(point.recall)}" cy="${y(point.precision)}" r="6"><title>${escapeHtml(name)} at its own alarms: precision ${point.precision.toFixed(3)}, recall ${point.recall.toFixed(3)}</title></circle>`
    return path + dot
  })
  const names = `<text x="${(left + right) / 2}" y="${height - 4}" text-anchor="middle">recall</text><text x="12" y="${(top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 12 ${(top + bottom) / 2})">precision</text>`
  // Ours last, so that it lies on top.
  return svg(title, height, `${grid.join('')}${lines.toReversed().join('')}${names}`)
}

function barsSvg({ title, names, series, limit }: Bars): string {
  const [left, right, top] = [190, 840, limit === undefined ? 6 : 26] as const
  const bar = series.length === 1 ? 16 : 9
  const step = series.length * bar + 8
  const values = series.flatMap(({ values: of }) => of.filter((value) => value !== null))
  const most = Math.max(limit?.at ?? 0, ...values, Number.MIN_VALUE)
  const x = (value: number) => round(left + ((right - left) * Math.max(0, value)) / most)
  const height = top + names.length * step + 8
  const rows = names.map((name, i) => {
    const y = top + i * step
    const bars = series.map(({ name: of, values: all }, k) => {
      const value = all[i] ?? null
      if (value === null) return ''
      const label = series.length === 1 ? `<text x="${x(value) + 6}" y="${y + bar - 3}">${short(value)}</text>` : ''
      return `<rect style="fill:var(${colourOf(k)})" x="${left}" y="${y + k * bar}" width="${round(Math.max(1, x(value) - left))}" height="${bar - 1}"><title>${escapeHtml(`${name}, ${of}: ${short(value)}`)}</title></rect>${label}`
    })
    return `<text x="${left - 8}" y="${round(y + (series.length * bar) / 2 + 4)}" text-anchor="end">${escapeHtml(name)}</text>${bars.join('')}`
  })
  const line =
    limit === undefined
      ? ''
      : `<path class="limit" d="M${x(limit.at)} ${top - 6}V${height}"/><text x="${x(limit.at)}" y="${top - 10}" text-anchor="middle">${escapeHtml(limit.name)}</text>`
  return svg(title, height, rows.join('') + line)
}

function svg(title: string, height: number, inner: string): string {
  const name = escapeHtml(title)
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}">${inner}</svg>`
}

export function colourOf(series: number): string {
  return seriesColours[series % seriesColours.length] as string
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function short(value: number): string {
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(value < 1 ? 3 : 2)
}
