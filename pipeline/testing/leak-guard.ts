/** For `node --import`: a test file that goes on after its last test fails with what is still open; the runner would wait for ever. */
import { after } from 'node:test'

const graceMs = 30_000

// The runner itself is imported into as well; only the files it runs have tests to be after.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  after(() => {
    const fail = () => {
      const open = process.getActiveResourcesInfo().join(', ')
      process.stderr.write(`Still open ${graceMs / 1000} s after the last test of ${process.argv[1]}: ${open}.\n`)
      process.exit(1)
    }
    setTimeout(fail, graceMs).unref()
  })
}
