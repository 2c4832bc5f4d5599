import { textMetadata } from './text-metadata.ts'

const base = 'http://metadata.tencentyun.com/latest/meta-data/'

/** Tencent Cloud CVM. */
export default textMetadata({
  type: 'tencent_cvm',
  name: 'Tencent Cloud CVM',
  provider: 'tencent_cloud',
  platform: 'tencent_cloud_cvm',
  open: async (world, signal) => (path) => world.http.text(`${base}${path}`, { signal }),
  paths: {
    'cloud.account.id': 'app-id',
    'cloud.region': 'placement/region',
    'cloud.availability_zone': 'placement/zone',
    'host.id': 'instance-id',
    'host.name': 'instance-name',
    'host.image.id': 'instance/image-id',
    'host.type': 'instance/instance-type',
  },
})
