/** How a client goes about it. */
export interface Habit {
  readonly name: string
  /** Clients of a hundred that have it. */
  readonly share: number
  readonly tls: 'none' | 'starttls' | 'implicit'
  readonly mailsPerConnection: number
  /** Says the envelope, and DATA, in one go. */
  readonly pipelining?: boolean
  /** BDAT in the place of DATA. */
  readonly chunking?: boolean
}

/** What kinds of clients there are. */
export const habits: readonly Habit[] = [
  { name: 'keeps its connection', share: 25, tls: 'none', mailsPerConnection: Number.POSITIVE_INFINITY },
  { name: 'connects for each mail', share: 15, tls: 'none', mailsPerConnection: 1 },
  { name: 'pipelines', share: 20, tls: 'none', mailsPerConnection: 100, pipelining: true },
  { name: 'sends chunks', share: 12, tls: 'none', mailsPerConnection: 50, chunking: true },
  { name: 'pipelines under STARTTLS', share: 14, tls: 'starttls', mailsPerConnection: 30, pipelining: true },
  { name: 'has TLS from the first byte', share: 14, tls: 'implicit', mailsPerConnection: 15 },
]
