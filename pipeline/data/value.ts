/** What a plugin needs to write values: names prepared once, and doubles that stay doubles. */
export { asText, double, isDouble } from './any-value.ts'
export { key } from './key.ts'
