/** HTML by template: what is put in is escaped, except what another template made. */

export interface Html {
  readonly html: string
}
type Part = string | number | bigint | boolean | Html | readonly Html[]

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let out = strings[0] ?? ''
  for (const [i, part] of parts.entries()) out += `${textOf(part)}${strings[i + 1]}`
  return { html: out }
}

function textOf(part: Part): string {
  if (typeof part !== 'object') return escapeHtml(String(part))
  return 'html' in part ? part.html : part.map((each) => each.html).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char]!)
}

/** A whole document. It loads nothing from elsewhere: these pages are read where there is no internet. */
export function page(title: string, body: Html): string {
  return html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color-scheme: light dark }
table { border-collapse: collapse; margin: 1rem 0 } th, td { text-align: left; padding: .3rem 1rem .3rem 0; vertical-align: top }
tr { border-bottom: 1px solid #8884 } nav a { margin-right: 1rem } .ok { color: #2a8 } .bad { color: #d33 } pre { overflow: auto }
</style></head>
<body><nav>${links}</nav>
<h2>${title}</h2>
${body}
</body></html>
`.html
}

const links = ['servicez', 'pipelinez', 'extensionz', 'featurez', 'tracez', 'componentz'].map(
  (name) => html`<a href="/debug/${name}">${name}</a>`,
)

export function table(head: readonly string[], rows: readonly (readonly Part[])[]): Html {
  const heads = head.map((name) => html`<th>${name}</th>`)
  const lines = rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)
  return html`<table><tr>${heads}</tr>\n${lines}</table>`
}

/** `a` before `b`, with something between. */
export function join(parts: readonly Html[], between: Html): Html {
  return { html: parts.map((part) => part.html).join(between.html) }
}
