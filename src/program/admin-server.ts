import { type ListenAddress, listenOrExplain } from '../config/index.ts'
// Types only: the module is loaded with `--admin`.
import type { AdminHandlers } from '../operations/admin.ts'
import type { Monitoring } from '../operations/index.ts'
import { version } from '../support/version.ts'

/**
 * Serves health and metrics over HTTP until the process ends. Returns the address with its real port.
 * @throws Error with a sentence for the operator if the address cannot be opened
 */
export async function startAdminServer(
  address: ListenAddress,
  handlers: AdminHandlers,
): Promise<ListenAddress> {
  const { serveAdmin } = await import('../operations/admin.ts')
  const port = await listenOrExplain(address, () => serveAdmin(address, handlers))
  return { ...address, port }
}

/** Returns the admin handlers of a program that is one process. @param relay the name of the backend */
export async function processStatus(
  { readiness, metrics }: Monitoring,
  relay: string,
): Promise<AdminHandlers> {
  const { renderMetrics, buildInfoMetrics } = await import('../operations/build-info.ts')
  const notReadyReasons = () => readiness.notReadyReasons()
  const isReady = async () => (await notReadyReasons()).length === 0
  const buildInfo = await buildInfoMetrics({ version: version(), relay, isReady })
  return { notReadyReasons, metrics: () => renderMetrics(buildInfo, metrics.registry) }
}
