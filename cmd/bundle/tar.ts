/** A tar archive (POSIX ustar) of a few small files, gzipped. */
import { gzipSync } from 'node:zlib'

export interface TarFile {
  readonly name: string
  readonly text: string
}

const block = 512

export function tarGz(files: readonly TarFile[], unixSeconds: number): Uint8Array {
  const parts = files.flatMap(({ name, text }) => {
    const body = Buffer.from(text)
    return [header(name, body.length, unixSeconds), body, Buffer.alloc((block - (body.length % block)) % block)]
  })
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * block)]))
}

/** Names are ours: ASCII and shorter than 100 bytes. */
function header(name: string, size: number, unixSeconds: number): Uint8Array {
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  const head = Buffer.alloc(block)
  const fields: readonly (readonly [offset: number, text: string])[] = [
    [0, name],
    [100, octal(0o600, 7)],
    [108, octal(0, 7)],
    [116, octal(0, 7)],
    [124, octal(size, 11)],
    [136, octal(unixSeconds, 11)],
    // The checksum is made with blanks in its place.
    [148, ' '.repeat(8)],
    [156, '0'],
    [257, 'ustar\x0000'],
  ]
  for (const [offset, text] of fields) head.write(text, offset, 'latin1')
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return head
}
