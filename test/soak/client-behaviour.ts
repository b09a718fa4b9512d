/** How a client uses connections and SMTP extensions. */
export interface ClientBehaviour {
  readonly name: string
  /** Percentage of clients. */
  readonly share: number
  readonly tls: 'none' | 'starttls' | 'implicit'
  readonly messagesPerConnection: number
  /** Sends the envelope and DATA in one write. */
  readonly pipelining?: boolean
  /** Uses BDAT instead of DATA. */
  readonly chunking?: boolean
}

/** All kinds of clients. */
export const clientBehaviours: readonly ClientBehaviour[] = [
  { name: 'keeps its connection', share: 25, tls: 'none', messagesPerConnection: Number.POSITIVE_INFINITY },
  { name: 'connects for each message', share: 15, tls: 'none', messagesPerConnection: 1 },
  { name: 'pipelines', share: 20, tls: 'none', messagesPerConnection: 100, pipelining: true },
  { name: 'sends chunks', share: 12, tls: 'none', messagesPerConnection: 50, chunking: true },
  {
    name: 'pipelines under STARTTLS',
    share: 14,
    tls: 'starttls',
    messagesPerConnection: 30,
    pipelining: true,
  },
  { name: 'has TLS from the first byte', share: 14, tls: 'implicit', messagesPerConnection: 15 },
]
