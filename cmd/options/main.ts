/** `npm run options`: writes the options tables of the READMEs anew from the schemas. `options.test.ts` tells when somebody forgot. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { optionsPages } from './pages.ts'

for (const { path, before, after } of await optionsPages()) {
  if (before === after) continue
  await writeFile(join(import.meta.dirname, '../..', path), after)
  console.log(path)
}
