/**
 * `npm run build`, after tsc: makes `dist/` the package that is published. It holds JavaScript, since Node strips no types under node_modules,
 * and lies as the repository does, so that every relative path is right in both.
 */
import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

const root = join(import.meta.dirname, '../..')
const dist = join(root, 'dist')
const kept = [
  'name',
  'version',
  'description',
  'license',
  'type',
  'engines',
  'dependencies',
  'optionalDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
]

if (process.argv[2] === 'clean') rmSync(dist, { recursive: true, force: true })
else finish()

function finish(): void {
  for (const file of globSync('**/*.js', { cwd: dist })) nameWhatWasBuilt(join(dist, file))
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`)
  for (const file of ['README.md', 'LICENSE']) copyFileSync(join(root, file), join(dist, file))
}

/** tsc rewrites what is imported; what is named by URL (workers, modules of a hook) it leaves as it is. */
function nameWhatWasBuilt(file: string): void {
  const before = readFileSync(file, 'utf8')
  const after = before.replace(/(new URL\('\.{1,2}\/[^']+)\.ts(', import\.meta\.url\))/g, '$1.js$2')
  if (after !== before) writeFileSync(file, after)
}

function published(manifest: Manifest): object {
  const built = (file: string) => file.replace(/\.ts$/, '.js')
  const exported = Object.entries(manifest.exports).map(([name, file]) =>
    file.endsWith('.ts') ? [name, { types: file.replace(/\.ts$/, '.d.ts'), default: built(file) }] : [name, file],
  )
  return {
    ...Object.fromEntries(kept.flatMap((field) => (field in manifest ? [[field, manifest[field]]] : []))),
    bin: Object.fromEntries(Object.entries(manifest.bin).map(([name, file]) => [name, built(file)])),
    exports: Object.fromEntries(exported) as object,
  }
}
