/** What is wrong with a compressed body, or with the name of its coding. */
export class CompressionError extends Error {
  readonly kind: 'too_large' | 'malformed' | 'unsupported'

  constructor(kind: CompressionError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CompressionError'
    this.kind = kind
  }
}

export function tooLarge(coding: string, maxBytes: number): CompressionError {
  return new CompressionError('too_large', `${coding}: decompressed size exceeds the limit of ${maxBytes} bytes`)
}
export function malformed(coding: string, what: string, cause?: unknown): CompressionError {
  return new CompressionError('malformed', `${coding}: ${what}`, cause === undefined ? undefined : { cause })
}
