import type { Context, Lifecycle } from '../../pipeline/component.ts'
import { GrpcServer, type GrpcServerParts } from '../../pipeline/net/grpc-server.ts'
import type { GrpcServerSettings } from '../../pipeline/net/grpc-server-keys.ts'
import { HttpServer, type HttpServerParts } from '../../pipeline/net/http-server.ts'
import { serverDoor } from '../../pipeline/net/server-door.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import type { Config, HttpSettings } from './config.ts'
import { grpcMethods } from './grpc.ts'
import { httpHandler } from './http.ts'
import { Intake } from './intake.ts'

/** One gRPC and one HTTP listener, for all signals. */
export class OtlpReceiver implements Lifecycle {
  readonly #config: Config
  readonly #context: Context
  readonly #intake: Intake
  readonly #refused: Counter
  #grpc: GrpcServer | undefined
  #http: HttpServer | undefined

  constructor(config: Config, context: Context) {
    this.#config = config
    this.#context = context
    this.#intake = new Intake(context)
    this.#refused = context.meter.counter(
      'vigil_receiver_refused_requests',
      'Requests that were not answered with OK, by status, and connections that were no HTTP.',
    )
  }

  /** host:port of each listener, once started. */
  get addresses(): { readonly grpc: string | undefined; readonly http: string | undefined } {
    return { grpc: this.#grpc?.address, http: this.#http?.address }
  }

  async start(): Promise<void> {
    const { grpc, http } = this.#config.protocols
    try {
      if (grpc) await this.#startGrpc(grpc)
      if (http) await this.#startHttp(http)
    } catch (error) {
      this.#intake.refuse()
      await this.#close(AbortSignal.abort())
      throw error
    }
    this.#intake.open()
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#close(deadline)
    await this.#intake.close(deadline)
  }

  /** Takes the listeners that serve the same place. Their connections stay open; what is in flight is still the old instance's. */
  adopt(previous: Lifecycle): boolean {
    if (!(previous instanceof OtlpReceiver)) return false
    const { grpc, http } = this.#config.protocols
    if (grpc && previous.#grpc?.canServe(grpc)) {
      this.#grpc = previous.#grpc
      previous.#grpc = undefined
    }
    if (http && previous.#http?.canServe(http)) {
      this.#http = previous.#http
      previous.#http = undefined
    }
    return this.#grpc !== undefined || this.#http !== undefined
  }

  async #startGrpc(settings: GrpcServerSettings): Promise<void> {
    const { clock, random, logger, signals, sharesPorts } = this.#context
    const door = serverDoor(this.#context, settings, 'grpc')
    const methods = grpcMethods(this.#intake, signals)
    const onRefused = (code: string) => this.#refused.add(1, { transport: 'grpc', code })
    const parts: GrpcServerParts = {
      settings,
      methods,
      clock,
      random,
      logger,
      door,
      sharesPort: sharesPorts,
      onRefused,
    }
    if (this.#grpc) return this.#grpc.reconfigure(parts)
    const server = new GrpcServer(parts)
    await server.listen()
    this.#grpc = server
    logger.info('Started the gRPC server.', { endpoint: server.address })
  }

  async #startHttp(settings: HttpSettings): Promise<void> {
    const { clock, logger, signals, sharesPorts } = this.#context
    const door = serverDoor(this.#context, settings, 'http')
    const handler = httpHandler(this.#intake, signals, settings)
    const onRefused = (code: string) => this.#refused.add(1, { transport: 'http', code })
    const parts: HttpServerParts = { settings, handler, clock, logger, door, sharesPort: sharesPorts, onRefused }
    if (this.#http) return this.#http.reconfigure(parts)
    const server = new HttpServer(parts)
    await server.listen()
    this.#http = server
    logger.info('Started the HTTP server.', { endpoint: server.address })
  }

  async #close(deadline: AbortSignal): Promise<void> {
    await Promise.all([this.#http?.close(deadline), this.#grpc?.close(deadline)])
    this.#http = undefined
    this.#grpc = undefined
  }
}
