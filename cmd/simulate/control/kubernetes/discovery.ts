/** What is there to be asked for: `/api`, `/apis`, `/version` and their kin. */
import { type Fields, StatusError } from './object.ts'
import { apiVersionOf, resources } from './resources.ts'

const version = '1.34'

/** Undefined where the path is not one of these. */
export function discovered(path: string): Fields | string | undefined {
  if (path === '/version') {
    const [major, minor] = version.split('.')
    return { major, minor, gitVersion: `v${version}.0+vigil-simulate`, platform: 'linux/amd64' }
  }
  if (path === '/healthz' || path === '/livez' || path === '/readyz') return 'ok'
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
  if (path === '/apis') {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups().map(groupOf) }
  }
  const [, group, rest] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? []
  if (group !== undefined && rest === undefined) {
    if (!groups().includes(group)) throw new StatusError('NotFound', 'the server could not find the requested resource')
    return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) }
  }
  const groupVersion = path === '/api/v1' ? 'v1' : rest === undefined ? undefined : `${group}/${rest}`
  return groupVersion === undefined ? undefined : listOf(groupVersion)
}

function groups(): readonly string[] {
  return [...new Set(resources.map(({ group }) => group))].filter((group) => group !== '')
}

function groupOf(name: string): Fields {
  const versions = [...new Set(resources.filter(({ group }) => group === name).map((one) => one.version))]
  const all = versions.map((one) => ({ groupVersion: `${name}/${one}`, version: one }))
  return { name, versions: all, preferredVersion: all[0] }
}

function listOf(groupVersion: string): Fields {
  const found = resources.filter((one) => apiVersionOf(one) === groupVersion)
  if (found.length === 0) throw new StatusError('NotFound', 'the server could not find the requested resource')
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: found.flatMap(({ plural, kind, isNamespaced, verbs, shortNames, subresources }) => [
      { name: plural, singularName: kind.toLowerCase(), namespaced: isNamespaced, kind, verbs, shortNames },
      ...Object.entries(subresources).map(([name, one]) => ({
        name: `${plural}/${name}`,
        singularName: '',
        ...(one.groupVersion === undefined ? {} : splitGroup(one.groupVersion)),
        namespaced: isNamespaced,
        kind: one.kind,
        verbs: one.verbs,
      })),
    ]),
  }
}

function splitGroup(groupVersion: string): Fields {
  const [group, only] = groupVersion.split('/')
  return { group, version: only }
}
