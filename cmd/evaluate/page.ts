/** One HTML page that needs nothing else: tables with a bar under each number, and plots. Light or dark as the reader has it, and readable on a phone. */
import type { Table } from './evaluation.ts'
import type { Plot } from './plot.ts'
import { cellTexts, finite } from './report.ts'
import { colourOf, escapeHtml, svgOf } from './svg.ts'

export function asHtml(tables: readonly Table[]): string {
  const contents = tables.map(({ title }, i) => `<li><a href="#t${i}">${escapeHtml(title)}</a></li>`).join('')
  const body = tables.map((table, i) => `<section id="t${i}">${sectionHtml(table)}</section>`).join('\n')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">
<title>vigil evaluate</title><style>${style}</style></head>
<body><h1>vigil evaluate</h1><nav><ul>${contents}</ul></nav>
${body}
</body></html>
`
}

function sectionHtml(table: Table): string {
  const plots = table.plots ?? []
  const timelines = plots.filter(({ kind }) => kind === 'timeline')
  const others = plots.filter(({ kind }) => kind !== 'timeline')
  const notes = table.notes.map((note) => `<p>${escapeHtml(note)}</p>`).join('')
  return `<h2>${escapeHtml(table.title)}</h2>${tableHtml(table)}${notes}${others.map(figure).join('')}${timelinesHtml(timelines)}`
}

/** Many of them are long: the first few are open. */
const openTimelines = 6

function timelinesHtml(timelines: readonly Plot[]): string {
  if (timelines.length === 0) return ''
  const key =
    '<p class="key"><span><span class="k score"></span>score</span> <span><span class="k limit"></span>lowest score that raised an alarm</span> <span><span class="k found"></span>labelled, found</span> <span><span class="k missed"></span>labelled, missed</span> <span><b class="hit">&#9650;</b>alarm</span> <span><b class="false">&#9650;</b>false alarm</span></p>'
  const rest = timelines.slice(openTimelines)
  const more =
    rest.length === 0 ? '' : `<details><summary>${rest.length} more</summary>${rest.map(figure).join('')}</details>`
  return `${key}${timelines.slice(0, openTimelines).map(figure).join('')}${more}`
}

function figure(plot: Plot): string {
  return `<figure><figcaption>${escapeHtml(plot.title)}</figcaption>${legend(plot)}<div>${svgOf(plot)}</div></figure>`
}

function legend(plot: Plot): string {
  const names = plot.kind === 'curves' ? plot.curves : plot.kind === 'bars' && plot.series.length > 1 ? plot.series : []
  if (names.length === 0) return ''
  const keys = names.map(
    ({ name }, i) => `<span><span class="k" style="background:var(${colourOf(i)})"></span>${escapeHtml(name)}</span> `,
  )
  return `<p class="key">${keys.join('')}</p>`
}

function tableHtml(table: Table): string {
  const texts = cellTexts(table)
  const most = table.columns.map((_, j) => Math.max(0, ...table.rows.map((row) => finite(row[j]))))
  const head = table.columns.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')
  const body = texts.map((line, i) => {
    const cells = line.map((text, j) => {
      const share = (most[j] ?? 0) > 0 ? (100 * Math.max(0, finite(table.rows[i]?.[j]))) / (most[j] as number) : 0
      return `<td>${escapeHtml(text)}${share > 0 ? `<i style="width:${share.toFixed(1)}%"></i>` : ''}</td>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

const style = `
:root{--bg:#fff;--fg:#1c2128;--dim:#5b6672;--line:#d8dee4;--c0:#1f6feb;--c1:#9aa4af;--c2:#c98a1b;--c3:#8250df;--c4:#1a7f37;--c5:#bf3989;--c6:#57606a;--found:#2da44e33;--missed:#cf222e33;--hit:#1a7f37;--false:#cf222e}
@media(prefers-color-scheme:dark){:root{--bg:#0f141a;--fg:#e6edf3;--dim:#9aa7b4;--line:#30363d;--c0:#58a6ff;--c1:#6e7681;--c2:#e3b341;--c3:#bc8cff;--c4:#56d364;--c5:#ff7bc0;--c6:#8b949e;--found:#3fb95040;--missed:#f8514940;--hit:#56d364;--false:#ff7b72}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;background:var(--bg);color:var(--fg);margin:0 auto;padding:1rem;max-width:72rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin:2.5rem 0 .75rem}a{color:var(--c0)}nav ul{padding-left:1.2rem}
p{color:var(--dim);max-width:60rem}
.scroll,figure>div{overflow-x:auto}
table{border-collapse:collapse;white-space:nowrap}
th,td{padding:.25rem .75rem;text-align:right;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--bg)}
td i{display:block;height:3px;background:var(--c0);margin-top:2px}
figure{margin:1.25rem 0}figcaption{font-weight:600;margin-bottom:.25rem;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto;min-width:38rem}
svg text{font:12px system-ui,sans-serif;fill:var(--dim)}
@media(max-width:44rem){svg text{font-size:16px}}
.score{fill:none;stroke:var(--c0);stroke-width:1.2}.curve{fill:none;stroke-width:2.2}
.limit{fill:none;stroke:var(--fg);stroke-dasharray:5 4}.axis,.grid{fill:none;stroke:var(--line)}
rect.found{fill:var(--found)}rect.missed{fill:var(--missed)}path.hit{fill:var(--hit)}path.false{fill:var(--false)}
.key{font-size:13px;margin:.25rem 0}.key>span{display:inline-block;margin-right:1rem}.key .k{display:inline-block;width:22px;height:11px;margin-right:.35rem;vertical-align:-1px}
.key .score{border-top:2px solid var(--c0);height:0;vertical-align:4px}.key .limit{border-top:2px dashed var(--fg);height:0;vertical-align:4px}
.key .found{background:var(--found)}.key .missed{background:var(--missed)}.key b{margin-right:.35rem}.key .hit{color:var(--hit)}.key .false{color:var(--false)}
summary{cursor:pointer;color:var(--c0)}
@media print{details>*{display:block}}
`
