/** Reading answers of metadata services, whose fields may be missing or of another type than documented. */
export type JsonObject = Readonly<Record<string, unknown>>

export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}
/** Empty for what is not a text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
/** Ids come as numbers too. */
export function idOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : textOf(value)
}
