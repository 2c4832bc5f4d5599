/** Knows whose services are, how much they matter and what to do: for those who alarm and page. */
import type { Capability } from '../../pipeline/capability/capability.ts'
import { serviceCatalog } from '../../pipeline/capability/service-catalog.ts'
import { defineExtension } from '../../pipeline/component.ts'
import { Catalog } from './catalog.ts'
import { config } from './config.ts'
import { recordsOf, serviceEntry } from './own-format.ts'
import { CatalogFiles } from './read-files.ts'

/** Of many problems the first are shown; the number of all stands beside. */
const shownProblems = 20

export default defineExtension({
  type: 'service_catalog',
  config,
  signals: { extension: 'alpha' },
  create(settings, context) {
    const { clock, logger, meter } = context
    const { attributes, max_services, max_entries } = settings
    const catalog = new Catalog(attributes, max_services)
    const files = new CatalogFiles(settings.files, attributes, max_entries)
    const inline = Object.entries(settings.services).flatMap(([name, entry]) =>
      recordsOf(name, serviceEntry.parse(entry), `services.${name}`),
    )
    let problems: readonly string[] = []
    let stop: (() => void) | undefined

    const read = async () => {
      const said = await files.read()
      catalog.set([...inline, ...said.records], said.teams)
      problems = said.problems
      if (problems.length > 0) {
        logger.warn('The catalogue of services has entries that are left out; the others are used.', {
          problems: problems.slice(0, shownProblems),
          count: problems.length,
        })
        context.status('recoverable', `${problems.length} problems in the catalogue: ${problems[0]}`)
      } else context.status('ok')
    }
    const readAgain = async () => {
      if (!(await files.hasChanged())) return
      await read()
      logger.info('The catalogue of services was read again.', { entries: catalog.entries })
    }

    return {
      provides: new Map([[serviceCatalog as Capability<unknown>, catalog]]),
      async start() {
        await read()
        const name = (rest: string) => `otelcol_extension_service_catalog_${rest}`
        meter.gauge(name('entries'), () => catalog.entries, {}, 'Entries of the config and of files.')
        meter.gauge(name('problems'), () => problems.length, {}, 'Entries and files that are left out.')
        meter.gauge(name('observed_services'), () => catalog.observedServices, {}, 'Services that telemetry told of.')
        meter.observedCounter(
          name('forgotten_services'),
          () => catalog.forgotten,
          {},
          'Services that were forgotten for want of room.',
        )
        if (settings.files.length > 0 && settings.file_interval > 0)
          stop = clock.every(settings.file_interval, readAgain)
      },
      async shutdown() {
        stop?.()
        stop = undefined
      },
    }
  },
})
