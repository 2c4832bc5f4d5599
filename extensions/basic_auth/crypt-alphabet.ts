const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The base 64 of crypt(3): lowest bits first. */
export function encode64(bits: number, characters: number): string {
  let text = ''
  for (let left = bits, i = 0; i < characters; i++, left >>= 6) text += alphabet[left & 0x3f]
  return text
}
