/** The scripts of the shells. Each gives the words up to the cursor to `__complete` and shows what comes back. */

export const scripts: Readonly<Record<string, (name: string) => string>> = {
  bash: (name) => `# bash completion for ${name}
_${name}() {
  local line directive='' program="\${COMP_WORDS[0]/#\\~/$HOME}"
  COMPREPLY=()
  while IFS='' read -r line; do
    case "$line" in
      :*) directive="$line" ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("$program" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  # Bash 3 has no compopt and offers files then.
  if [[ "$directive" == :4 ]] && type compopt >/dev/null 2>&1; then compopt +o default 2>/dev/null; fi
}
complete -o default -F _${name} ${name}
`,
  zsh: (name) => `#compdef ${name}
# zsh completion for ${name}
_${name}() {
  local line directive=''
  local -a found
  for line in "\${(@f)$("\${(Q)words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case "$line" in
      :*) directive="$line" ;;
      *$'\\t'*) found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      ?*) found+=("\${line//:/\\\\:}") ;;
    esac
  done
  if (( $#found )); then
    _describe -V '${name}' found
  elif [[ "$directive" == ':0' ]]; then
    _files
  fi
}
# As an autoloaded file it is the function's body; sourced, it only registers.
if [ "$funcstack[1]" = "_${name}" ]; then
  _${name}
else
  compdef _${name} ${name}
fi
`,
  fish: (name) => `# fish completion for ${name}
function __${name}_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l program $words[1]
  set -e words[1]
  for line in ($program __complete -- $words "$current" 2>/dev/null)
    switch $line
      case ':0'
        __fish_complete_path "$current"
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c ${name} -f -a '(__${name}_complete)'
`,
  powershell: (name) => `# powershell completion for ${name}
Register-ArgumentCompleter -Native -CommandName '${name}' -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
  $program = $words[0]
  $words = @($words | Select-Object -Skip 1)
  $flags = @()
  if ($wordToComplete -eq '') { $flags = @('--new-word') }
  & $program '__complete' @flags '--' @words 2>$null | Where-Object { $_ -notmatch '^:[0-9]$' } | ForEach-Object {
    $word, $about = $_ -split "\`t", 2
    if (-not $about) { $about = $word }
    [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
  }
}
`,
}
