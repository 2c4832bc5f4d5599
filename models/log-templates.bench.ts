/** CPU time a line: `node models/log-templates.bench.ts [file of lines]`. Without a file, lines of 200 templates made here. */
import { readFileSync } from 'node:fs'
import { LogTemplates } from './log-templates.ts'

const windowMs = 300

function made(count: number): string[] {
  let state = 1
  const random = (n: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return state % n
  }
  const words = 'open close read write session block request worker cache index page commit replica lease shard'.split(
    ' ',
  )
  const shapes = Array.from({ length: 200 }, () =>
    Array.from({ length: 6 + random(6) }, () => words[random(words.length)]!),
  )
  return Array.from({ length: count }, () => {
    const shape = shapes[random(shapes.length)]!
    const head = `${shape.slice(0, 3).join(' ')} id=${random(1e9)} from 10.0.${random(256)}.${random(256)}:${random(65_536)}`
    return `${head} ${shape.slice(3).join(' ')} took ${random(5_000)} ms path=/var/data/${random(1e6)}/x`
  })
}

const [file] = process.argv.slice(2)
const lines = file === undefined ? made(20_000) : readFileSync(file, 'utf8').split('\n')
let best = Number.POSITIVE_INFINITY
let size = 0
for (let round = 0; round < 8; round++) {
  const templates = new LogTemplates()
  for (const line of lines) templates.add(line)
  const start = performance.now()
  const before = process.cpuUsage()
  let done = 0
  do {
    for (const line of lines) templates.add(line)
    done += lines.length
  } while (performance.now() - start < windowMs)
  const { user, system } = process.cpuUsage(before)
  best = Math.min(best, (user + system) / done)
  size = templates.size
}
const chars = lines.reduce((sum, line) => sum + line.length, 0) / lines.length
console.log(`${best.toFixed(3)} us a line of ${chars.toFixed(0)} characters, ${size} templates`)
