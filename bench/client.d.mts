export interface Client {
  readonly greeting: string
  say(what: string | Buffer): Promise<string>
  leave(): Promise<void>
}

export function open(port: number): Promise<Client>
