/** JSON with `{{ path }}` in its texts. What is put in stays a text, or a value where it is all of a text: it never becomes structure of the JSON. */
const place = /\{\{\s*([\w.]*)\s*\}\}/g
const whole = /^\{\{\s*([\w.]+)\s*\}\}$/
const maxDepth = 32

/** What is wrong with a template; undefined = nothing. */
export function templateProblem(template: unknown, depth = 0): string | undefined {
  if (depth > maxDepth) return `is nested more than ${maxDepth} deep`
  if (typeof template === 'string') {
    const rest = template.replaceAll(place, (_, path: string) => (path === '' ? '{{' : ''))
    return rest.includes('{{') ? `${JSON.stringify(template)}: write {{ path }}, like {{ incident.title }}` : undefined
  }
  if (typeof template !== 'object' || template === null) return undefined
  for (const one of Object.values(template)) {
    const problem = templateProblem(one, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** A place that says nothing becomes an empty text, or null where it is all of a text. */
export function fill(template: unknown, values: unknown): unknown {
  if (typeof template === 'string') {
    const path = whole.exec(template)?.[1]
    if (path !== undefined) return at(values, path) ?? null
    return template.replaceAll(place, (_, path: string) => textOf(at(values, path)))
  }
  if (Array.isArray(template)) return template.map((one) => fill(one, values))
  if (typeof template !== 'object' || template === null) return template
  return Object.fromEntries(Object.entries(template).map(([key, one]) => [key, fill(one, values)]))
}

function at(values: unknown, path: string): unknown {
  let value = values
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
