import type { Client, ClientSettings } from './client.ts'
import { GrpcClient } from './grpc-client.ts'
import { HttpClient } from './http-client.ts'

export function newClient(settings: ClientSettings): Client {
  return settings.protocol === 'grpc' ? new GrpcClient(settings) : new HttpClient(settings)
}
