import { textMetadata } from './text-metadata.ts'

const base = 'http://100.100.100.200/latest'

/** Alibaba Cloud ECS, by its metadata server in hardened mode. */
export default textMetadata({
  type: 'alibaba_ecs',
  name: 'Alibaba Cloud ECS',
  provider: 'alibaba_cloud',
  platform: 'alibaba_cloud_ecs',
  async open(world, signal) {
    const token = await world.http.text(`${base}/api/token`, {
      method: 'PUT',
      headers: { 'X-aliyun-ecs-metadata-token-ttl-seconds': '21600' },
      signal,
    })
    const headers = { 'X-aliyun-ecs-metadata-token': token }
    return (path) => world.http.text(`${base}/meta-data/${path}`, { headers, signal })
  },
  paths: {
    'cloud.account.id': 'owner-account-id',
    'cloud.region': 'region-id',
    'cloud.availability_zone': 'zone-id',
    'host.id': 'instance-id',
    'host.name': 'hostname',
    'host.image.id': 'image-id',
    'host.type': 'instance/instance-type',
  },
})
