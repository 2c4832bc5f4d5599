/** What the YAML parser says, in upstream's words where it has some, and how to mend it. */
import type { YAMLParseError } from 'yaml'

const words: readonly (readonly [RegExp, string])[] = [
  [/maximum call stack/i, 'nested too deep'],
  [/^tabs are not allowed/i, 'found character that cannot start any token: a tab; indent with spaces'],
  [/end with a \]/, "did not find expected ',' or ']'; close the list that [ opens"],
  [/end with a \}/, "did not find expected ',' or '}'; close the map that { opens"],
  [
    /nested mappings are not allowed/i,
    'mapping values are not allowed in this context; put the value in quotes, or start it on a line of its own',
  ],
  [
    /must start at the same column/,
    'did not find expected key; all keys of one map start at the same column: check the indentation',
  ],
  [/closing 'quote/, "found unexpected end of stream; close the text that ' opens"],
  [/closing "quote/, 'found unexpected end of stream; close the text that " opens'],
  [
    /map keys need to be followed by map values|implicit keys need to be on a single line/i,
    "could not find expected ':'; write `key: value`",
  ],
  [/invalid escape sequence/i, "found unknown escape character; write the backslash twice, or use '...' quotes"],
  [/unexpected scalar at node end/i, 'did not find expected key; one value a line: check quotes and indentation'],
  [
    /cannot start with|alias cannot be an empty|flow-\w+-end token/i,
    'found character that cannot start any token; put the value in quotes',
  ],
  [/separated from other tokens by white space/i, 'a comment needs a space before its #'],
]

export function yamlErrorText({ message }: YAMLParseError): string {
  const known = words.find(([pattern]) => pattern.test(message))?.[1]
  return known ?? message.slice(0, 1).toLowerCase() + message.slice(1)
}
