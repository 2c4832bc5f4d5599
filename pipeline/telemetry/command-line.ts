/** The command line as it may be shown: a property, an inline config and the user part of an URL may be secret. */
export function shownCommandLine(argv: readonly string[]): readonly string[] {
  return argv.map((argument, i) => {
    if (argv[i - 1] === '--set') return '[REDACTED]'
    return argument.replace(/^(--set=|(?:--config=)?yaml:).*$/s, '$1[REDACTED]').replace(/\/\/[^/@]*@/, '//[REDACTED]@')
  })
}
