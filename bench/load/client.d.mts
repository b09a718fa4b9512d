export interface Client {
  readonly greeting: string
  send(bytes: string | Buffer): Promise<string>
  quit(): Promise<void>
}

export function open(port: number): Promise<Client>
