#!/usr/bin/env node
import module from 'node:module'

// Older versions would end with an error about an import that only an expert understands.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`Error: Node ${process.version} is too old for Vigil: it needs Node 24 or later\n`)
  process.exitCode = 1
} else {
  module.enableCompileCache()
  const { main } = await import('./program.ts')
  process.exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  })
}
