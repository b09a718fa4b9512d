import { devNull } from 'node:os'
import { benchPath } from './child-process.ts'
import { ServerProcess } from './server-process.ts'

interface ServerProgram {
  readonly title: string
  /** Relative to the folder `bench`. */
  readonly program: string
  /** Arguments before the address. */
  readonly args?: readonly string[]
  readonly relaysToSes?: true
}

const servers = {
  floor: { title: 'floor: a socket that parses nothing', program: 'servers/floor.mjs' },
  engine: { title: 'engine, content discarded', program: 'servers/engine.mjs' },
  discard: { title: 'the program, -r discard', program: '../dist/cli.js', args: ['-r', 'discard', '-a'] },
  smtpServer: { title: 'smtp-server, content discarded', program: 'servers/smtp-server.mjs' },
  ses: {
    title: 'the program, -r ses',
    program: '../dist/cli.js',
    args: ['-r', 'ses', '-a'],
    relaysToSes: true,
  },
  stockSdk: { title: 'engine and stock AWS SDK', program: 'servers/stock-sdk.mjs', relaysToSes: true },
  smtpServerSdk: {
    title: 'smtp-server and stock AWS SDK',
    program: 'servers/smtp-server-sdk.mjs',
    relaysToSes: true,
  },
} as const satisfies Readonly<Record<string, ServerProgram>>

/** The key of a server in results. */
export type ServerName = keyof typeof servers
/** All servers, in the order in which they are shown. */
export const serverNames = Object.keys(servers) as readonly ServerName[]

/** Returns the name of a server for people. */
export function titleOf(name: ServerName): string {
  return servers[name].title
}

/** Returns true if the server relays messages to SES. */
export function relaysToSes(name: ServerName): boolean {
  const server: ServerProgram = servers[name]
  return server.relaysToSes === true
}

/**
 * Starts a server.
 *
 * @param sesPort port of the fake SES
 * @param args more arguments for the program
 */
export function startServer(
  name: ServerName,
  sesPort?: number,
  args: readonly string[] = [],
): Promise<ServerProcess> {
  const server: ServerProgram = servers[name]
  const address = server.args === undefined ? ['0'] : [...server.args, '127.0.0.1:0']
  return ServerProcess.start(
    server.program,
    [...address, ...args],
    server.relaysToSes ? awsEnvironment(sesPort) : {},
  )
}

/** Does not use the AWS settings of the developer's account. */
function awsEnvironment(sesPort: number | undefined): Readonly<Record<string, string>> {
  return {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'not-a-secret',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ...(sesPort !== undefined && {
      AWS_ENDPOINT_URL: `https://127.0.0.1:${sesPort}`,
      NODE_EXTRA_CA_CERTS: benchPath('../fixtures/tls/certificate.pem'),
    }),
  }
}
