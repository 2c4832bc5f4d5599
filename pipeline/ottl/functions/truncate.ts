/** The text cut to a number of UTF-8 bytes, its marker included. */
export function truncate(text: string, limit: number, marker: string, isSafe: boolean): string {
  // A UTF-16 unit is at most 3 bytes: short texts need no look.
  if (text.length * 3 <= limit) return text
  const bytes = Buffer.from(text)
  if (bytes.length <= limit) return text
  let end = limit - Buffer.byteLength(marker)
  if (isSafe) end = boundaryBefore(bytes, end)
  return bytes.toString('utf8', 0, end) + marker
}

/** Where the character begins in which `at` stands. */
export function boundaryBefore(bytes: Uint8Array, at: number): number {
  let end = at
  while (end > 0 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--
  return end
}

export function boundaryAfter(bytes: Uint8Array, at: number): number {
  let start = at
  while (start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start++
  return start
}
