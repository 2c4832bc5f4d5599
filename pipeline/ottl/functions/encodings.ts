/** Converters between text encodings. */
import { noFrame } from '../frame.ts'
import type { Getter } from '../keys.ts'
import { fail } from '../problems.ts'
import { kindOf, type OttlValue, typeName } from '../values.ts'
import { any, literalText, text } from './params.ts'
import { converter, optional, type Param } from './signature.ts'

type Variant = 'base64' | 'base64-raw' | 'base64-url' | 'base64-raw-url'
const alphabets: Readonly<Record<Variant, RegExp>> = {
  base64: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  'base64-raw': /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3})?$/,
  'base64-url': /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/,
  'base64-raw-url': /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$/,
}

function fromBase64(value: string, variant: Variant): string {
  const trimmed = value.trim().replaceAll(/[\r\n]/g, '')
  if (!alphabets[variant].test(trimmed)) fail(`could not decode: illegal ${variant} data`)
  return Buffer.from(trimmed, variant.endsWith('url') ? 'base64url' : 'base64').toString()
}

function toBase64(value: string, variant: Variant): string {
  const padded = Buffer.from(value).toString('base64')
  const encoded = variant.endsWith('url') ? padded.replaceAll('+', '-').replaceAll('/', '_') : padded
  return variant.includes('raw') ? encoded.replace(/=+$/, '') : encoded
}

type Decoder = (value: string | Uint8Array) => string

/** IANA names that the encoding standard of the web does not list. */
const aliases: Readonly<Record<string, string>> = { '': 'utf-8', nop: 'utf-8', ascii: 'us-ascii', utf8: 'utf-8' }

function decoderOf(encoding: string): Decoder {
  if (Object.hasOwn(alphabets, encoding)) {
    return (value) =>
      fromBase64(typeof value === 'string' ? value : Buffer.from(value).toString('latin1'), encoding as Variant)
  }
  const name = encoding.toLowerCase()
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(aliases[name] ?? name, { ignoreBOM: true })
  } catch {
    fail(`unsupported encoding '${encoding}'`)
  }
  return (value) => decoder.decode(typeof value === 'string' ? Buffer.from(value) : value)
}

/** A literal one is looked up once; a wrong one is a problem of the statement. */
const encodingOf: Param<Getter<Decoder>> = {
  wants: 'an encoding',
  build(value, scope) {
    const operand = scope.operand(value)
    const name = text.fromOperand!(operand)
    if (!operand.isConstant) return (frame) => decoderOf(name(frame))
    const decoder = decoderOf(name(noFrame))
    return () => decoder
  },
}

function decode(value: OttlValue, decoder: Decoder): string {
  if (typeof value === 'string') return decoder(value)
  if (kindOf(value) === 'bytes') return decoder(value as Uint8Array)
  fail(`unsupported type provided to Decode function: ${typeName(value)}`)
}

export const encodingFunctions = [
  converter(
    'Base64Decode',
    { target: text },
    ({ target }) =>
      (frame) =>
        fromBase64(target(frame), 'base64'),
  ),
  converter('Base64Encode', { target: text, variant: optional(literalText) }, ({ target, variant = 'base64' }) => {
    if (!Object.hasOwn(alphabets, variant))
      fail(`unsupported base64 variant: ${variant}; use one of ${Object.keys(alphabets).join(', ')}`)
    return (frame) => toBase64(target(frame), variant as Variant)
  }),
  converter(
    'Decode',
    { target: any, encoding: encodingOf },
    ({ target, encoding }) =>
      (frame) =>
        decode(target(frame), encoding(frame)),
  ),
] as const
