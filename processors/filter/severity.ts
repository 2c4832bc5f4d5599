/** Severities by their names, as the data model of logs has them. */
const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name) => [
  name,
  `${name}2`,
  `${name}3`,
  `${name}4`,
])

/** `INFO`, `warn2` or a number from 1 to 24; undefined for anything else. */
export function severityNumber(text: string): number | undefined {
  const named = severities.indexOf(text.toUpperCase()) + 1
  if (named > 0) return named
  return /^(?:[1-9]|1\d|2[0-4])$/.test(text) ? Number(text) : undefined
}
