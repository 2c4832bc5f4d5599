import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, nothing } from '../detector.ts'

const base = 'http://169.254.169.254/hetzner/v1/metadata'

/** Hetzner Cloud servers. Who answers with a hostname is one; what else is missing stays out. */
export default defineDetector({
  type: 'hetzner',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'cloud.availability_zone': true,
      'cloud.platform': false,
      'cloud.provider': true,
      'cloud.region': true,
      'host.id': true,
      'host.name': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    async detect(signal) {
      const get = async (path: string) => {
        const text = await world.http.text(`${base}${path}`, { signal }).catch(() => undefined)
        return text?.trim()
      }
      const hostname = (await get('/hostname')) ?? ''
      if (hostname === '') {
        world.logger.debug('not running on a Hetzner Cloud server')
        if (world.mustFind) throw new Error('hetzner metadata unavailable')
        return nothing
      }
      const [id, region, zone] = await Promise.all(['/instance-id', '/region', '/availability-zone'].map(get))
      const found = new Found(resource_attributes)
      found.set('cloud.provider', 'hetzner')
      found.set('cloud.platform', 'hetzner.cloud_server')
      if (id !== undefined && /^[+-]?\d+$/.test(id)) found.set('host.id', String(BigInt(id)))
      found.set('host.name', hostname)
      if (region !== undefined) found.set('cloud.region', region)
      if (zone !== undefined) found.set('cloud.availability_zone', zone)
      return found.done()
    },
  }),
})
