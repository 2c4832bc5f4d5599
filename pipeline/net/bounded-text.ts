/** A whole body as text. Throws an error with the words `tooLarge` as soon as it is larger than `maxBytes`. */
export async function boundedText(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLarge: string,
): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body) {
    bytes += part.length
    if (bytes > maxBytes) throw new Error(tooLarge)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}
