/** A child process that attacks a server, so that its parent has time to measure. */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Order, Report, Request } from './attackers.ts'
import { type Attack, attacks } from './attacks.ts'

/** Limit of connections in progress. More would overflow the listen queue of the server. */
const maxConnecting = 200
const paceMs = 10

class AttackGroup {
  readonly #order: Order
  readonly #attack: Attack
  readonly #sockets = new Set<Socket>()
  readonly #ended = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  #filledAt = performance.now()
  /** Number of connections that may be started now. */
  #allowance = 1
  #begun = 0
  #connecting = 0
  #connected = 0
  #maxLines = 0

  constructor(order: Order) {
    this.#order = order
    this.#attack = attacks[order.attack]
    this.#timer = setInterval(() => this.#fill(), paceMs)
  }

  get report(): Report {
    return {
      connected: this.#connected,
      open: this.#sockets.size - this.#connecting,
      ended: [...this.#ended],
      maxLines: this.#maxLines,
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
  }

  #fill(): void {
    const { connections, perSecond = 5000, total = connections } = this.#order
    const nowMs = performance.now()
    // At most a tenth of a second is caught up.
    const gained = this.#allowance + ((nowMs - this.#filledAt) / 1000) * perSecond
    this.#allowance = Math.min(gained, 1 + perSecond / 10)
    this.#filledAt = nowMs
    while (this.#allowance >= 1 && this.#connecting < maxConnecting) {
      if (this.#sockets.size >= connections || this.#begun >= total) return
      this.#allowance--
      this.#connect(this.#begun++)
    }
  }

  #connect(n: number): void {
    const { port, network = '127.1.0' } = this.#order
    const { neverReads = false, opening, bytewise, flood, drip, beneathTls } = this.#attack
    const tls = this.#order.tls ?? this.#attack.tls ?? false
    const localAddress = `${network}.${1 + (n % 250)}`
    const tcp = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
    const socket = tls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp
    this.#sockets.add(tcp)
    this.#connecting++
    let connecting = true
    const settle = () => {
      if (connecting) this.#connecting--
      connecting = false
    }
    let tail = ''
    let lines = 0
    let failure = ''
    let timer: NodeJS.Timeout | undefined
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      settle()
      this.#connected++
      const bytes = opening(n)
      if (bytes.length > 0) socket.write(bytes)
      if (bytewise !== undefined) sendBytewise(socket, bytewise)
      if (flood !== undefined) {
        const pour = () => {
          while (socket.writable && socket.write(flood));
        }
        socket.on('drain', pour)
        pour()
      }
      if (drip !== undefined) timer = setInterval(() => socket.write(drip.bytes), drip.everyMs)
    })
    if (beneathTls !== undefined) socket.once('data', () => tcp.write(beneathTls))
    if (!neverReads) {
      socket.on('data', (bytes: Buffer) => {
        for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++
        tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - 500))).slice(-500)
      })
    }
    const fail = (error: NodeJS.ErrnoException) => (failure ||= error.code ?? error.message)
    tcp.on('error', fail)
    socket.on('error', fail)
    tcp.once('close', () => {
      settle()
      clearInterval(timer)
      this.#sockets.delete(tcp)
      this.#maxLines = Math.max(this.#maxLines, lines)
      // The last line of the server. A line before a reset may not have been received.
      const last = tail.trimEnd().split('\r\n').at(-1)!
      const reset = failure !== '' && !last.startsWith('421') ? failure : undefined
      const outcome = neverReads ? 'closed, unread' : (reset ?? (last || 'closed without a reply'))
      this.#ended.set(outcome, (this.#ended.get(outcome) ?? 0) + 1)
    })
  }
}

/** Writes each byte separately: bytes that wait together would become one TLS record. */
function sendBytewise(socket: Socket, bytewise: Buffer): void {
  if (bytewise.length > 0)
    socket.write(bytewise.subarray(0, 1), () => sendBytewise(socket, bytewise.subarray(1)))
}

const groups: AttackGroup[] = []
process.on('message', (request: Request) => {
  switch (request.type) {
    case 'attack':
      groups.push(new AttackGroup(request.order))
      return
    case 'report':
      process.send!(groups.map(group => group.report))
      return
    case 'stop':
      for (const group of groups) group.stop()
      process.disconnect()
  }
})
process.once('disconnect', () => process.exit())
