import { devNull } from 'node:os'
import { here } from './child.ts'
import { Subject } from './subject.ts'

interface Row {
  readonly title: string
  readonly program: string
  /** In front of what says where to listen. */
  readonly words?: readonly string[]
  readonly sends?: true
}

const rows = {
  floor: { title: 'floor: a socket that parses nothing', program: 'floor.mjs' },
  engine: { title: 'engine, content dropped', program: 'engine.mjs' },
  discard: { title: 'the program, -r discard', program: '../dist/cli.js', words: ['-r', 'discard', '-a'] },
  smtpServer: { title: 'smtp-server, content dropped', program: 'smtp-server.mjs' },
  ses: { title: 'the program, -r ses', program: '../dist/cli.js', words: ['-r', 'ses', '-a'], sends: true },
  stockSdk: { title: 'engine and stock AWS SDK', program: 'stock-sdk.mjs', sends: true },
  smtpServerSdk: {
    title: 'smtp-server and stock AWS SDK',
    program: 'smtp-server-sdk.mjs',
    sends: true,
  },
} as const satisfies Readonly<Record<string, Row>>

/** A subject, as results call it. */
export type SubjectName = keyof typeof rows
/** In the order in which they are shown. */
export const subjectNames = Object.keys(rows) as readonly SubjectName[]

/** What people call it. */
export function titleOf(name: SubjectName): string {
  return rows[name].title
}

/** It hands mails on to SES. */
export function sendsOn(name: SubjectName): boolean {
  const row: Row = rows[name]
  return row.sends === true
}

/** Starts one. @param sesPort where the stand-in of SES listens @param words more of them for the program */
export function startSubject(
  name: SubjectName,
  sesPort?: number,
  words: readonly string[] = [],
): Promise<Subject> {
  const row: Row = rows[name]
  const address = row.words === undefined ? ['0'] : [...row.words, '127.0.0.1:0']
  return Subject.start(row.program, [...address, ...words], row.sends ? awsEnvironment(sesPort) : {})
}

/** Nothing of this machine's own account is used. */
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
      NODE_EXTRA_CA_CERTS: here('../fixtures/tls/certificate.pem'),
    }),
  }
}
