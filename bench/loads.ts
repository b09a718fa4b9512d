import type { SubjectName } from './subjects.ts'

/** A load: mails of so many bytes, as fast as they are taken. */
export interface Load {
  readonly title: string
  readonly connections: number
  readonly bytes: number
  readonly connection: 'kept' | 'new'
  /** Until most is compiled that will be: few mails a second take longer. */
  readonly warmSeconds: number
  /** Who bears it in a quick run, and who only in a full one. */
  readonly subjects: readonly SubjectName[]
  readonly more: readonly SubjectName[]
}

const droppers = ['floor', 'engine', 'discard', 'smtpServer'] as const

/** What a mail is and how it comes: everything else is measured apart. */
export const loads = {
  kept: {
    title: '2 KB, connection kept',
    connections: 20,
    bytes: 2048,
    connection: 'kept',
    warmSeconds: 2,
    subjects: [...droppers, 'ses', 'stockSdk'],
    more: ['smtpServerSdk'],
  },
  renewed: {
    title: '2 KB, new connection each',
    connections: 20,
    bytes: 2048,
    connection: 'new',
    warmSeconds: 0.8,
    subjects: droppers,
    more: ['ses', 'stockSdk'],
  },
  medium: {
    title: '100 KB',
    connections: 8,
    bytes: 100_000,
    connection: 'kept',
    warmSeconds: 1,
    // No target is about it.
    subjects: [],
    more: [...droppers, 'ses', 'stockSdk', 'smtpServerSdk'],
  },
  large: {
    title: '9 MB',
    connections: 4,
    bytes: 9_000_000,
    connection: 'kept',
    warmSeconds: 1,
    subjects: [...droppers, 'ses', 'stockSdk'],
    more: ['smtpServerSdk'],
  },
} as const satisfies Readonly<Record<string, Load>>

/** A load, as results call it. */
export type LoadName = keyof typeof loads
/** In the order in which they are borne and shown. */
export const loadNames = Object.keys(loads) as readonly LoadName[]
