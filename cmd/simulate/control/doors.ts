/** The doors of a world, as the command line asks for them. */
import type { Pace } from '../play/pace.ts'
import type { Playing } from '../scenario/run.ts'
import { Control } from './control.ts'
import { controlServer } from './control-server.ts'
import type { JsonServer } from './json-server.ts'
import { kubernetesServer } from './kubernetes/kubernetes-server.ts'

export interface Wanted {
  readonly playing: Playing
  readonly pace: Pace
  /** Ends the simulation in good order. */
  readonly stop: () => void
  /** host:port, where they are wanted. */
  readonly control?: string
  readonly controlTruth?: boolean
  readonly kubernetes?: string
}

export interface Doors {
  /** Where they are, for who started them. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

/** Open all of them, or none and throw. */
export async function openDoors({ playing, pace, stop, control, controlTruth, kubernetes }: Wanted): Promise<Doors> {
  const lines: string[] = []
  const open: JsonServer[] = []
  const close = async () => {
    await Promise.all(open.map((server) => server.close()))
  }
  const one = new Control(playing)
  const start = async (server: JsonServer, endpoint: string, what: string) => {
    const address = await server.listen(endpoint)
    open.push(server)
    lines.push(`${what} at http://${address}`)
  }
  try {
    if (control !== undefined) {
      const server = controlServer({ control: one, pace, stop, tellsTruth: controlTruth === true })
      await start(server, control, 'control')
    }
    if (kubernetes !== undefined) await start(kubernetesServer(one), kubernetes, 'Kubernetes API')
  } catch (error) {
    await close()
    throw error
  }
  return { lines, close }
}
