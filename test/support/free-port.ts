import { createServer } from 'node:net'

/**
 * A port of 127.0.0.1 that nobody listens on, for a server that is started again and again. It lies below those that
 * the system gives to outgoing connections: a client could otherwise sit on it while the server is away.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) return port
  }
  throw new Error('no free port')
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
