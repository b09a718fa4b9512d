/** The setups in deploy, each with the settings that the program gets. */
import { documentsOf, resource, type Tree, textOf, variablesIn } from './files.ts'

/** One setup in deploy. */
export interface Setup {
  readonly env: Readonly<Record<string, string>>
  /** Seconds between SIGTERM and SIGKILL. */
  readonly graceSeconds: number
  readonly memoryBytes: number
}

export const deployment = resource(documentsOf('kubernetes/deployment.yaml'), 'Deployment').spec.template.spec
const grace = resource(documentsOf('kubernetes/load-balancer/grace.yaml'), 'Deployment').spec.template.spec
export const sidecar = resource(documentsOf('kubernetes/sidecar.yaml'), 'Deployment').spec.template.spec
export const [task] = documentsOf('ecs/task-definition.json')
const [values] = documentsOf('helm/values.yaml')
const unit = textOf('systemd/aws-smtp-relay.service')
const kubernetes = variablesIn(textOf('kubernetes/settings.env').split('\n'))
const systemd = variablesIn(textOf('systemd/environment').split('\n'))

/** All setups, by their name in a test. */
export const setups: Readonly<Record<string, Setup>> = {
  kubernetes: { env: kubernetes, ...podOf(deployment, deployment.containers[0]) },
  'kubernetes with all components': {
    env: { ...kubernetes, ...component('tls'), ...component('users'), ...component('load-balancer') },
    ...podOf(grace, { ...deployment.containers[0], ...grace.containers[0] }),
  },
  sidecar: { env: named(sidecar.initContainers[0].env), ...podOf(sidecar, sidecar.initContainers[0]) },
  helm: {
    env: Object.fromEntries(
      Object.entries(values.options).map(([name, value]) => [
        `SMTP_RELAY_${name.toUpperCase().replaceAll('-', '_')}`,
        String(value),
      ]),
    ),
    graceSeconds: values.options['drain-timeout'] + 20,
    memoryBytes: bytes(values.resources.limits.memory),
  },
  ecs: {
    env: { ...named(task.containerDefinitions[0].environment), PASSWORD: 'of the secret' },
    graceSeconds: task.containerDefinitions[0].stopTimeout,
    memoryBytes: Number(task.memory) * 1024 ** 2,
  },
  systemd: { env: systemd, ...unitOf(unit) },
  'systemd with drop-ins': { env: { ...systemd, ...dropIn('tls'), ...dropIn('ports') }, ...unitOf(unit) },
}

/** Returns what a component of the kustomization adds to the environment. */
export function component(name: string): Setup['env'] {
  const [kustomization] = documentsOf(`kubernetes/${name}/kustomization.yaml`)
  return variablesIn(kustomization.configMapGenerator[0].literals)
}

function dropIn(name: string): Setup['env'] {
  const lines = textOf(`systemd/aws-smtp-relay.service.d/${name}.conf`).matchAll(/^Environment=(.*)$/gm)
  return variablesIn([...lines].map(([, line]) => line!))
}

function named(list: readonly { readonly name: string; readonly value: string }[]): Setup['env'] {
  return Object.fromEntries(list.map(({ name, value }) => [name, value]))
}

function podOf(pod: Tree, container: Tree): Omit<Setup, 'env'> {
  const preStopSeconds = container.lifecycle?.preStop.sleep.seconds ?? 0
  // 30 is the default of Kubernetes.
  const graceSeconds = (pod.terminationGracePeriodSeconds ?? 30) - preStopSeconds
  return { graceSeconds, memoryBytes: bytes(container.resources.limits.memory) }
}

function unitOf(text: string): Omit<Setup, 'env'> {
  const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(text) ?? []
  const [, memory] = /^MemoryMax=(\w+)$/m.exec(text) ?? []
  return { graceSeconds: Number(seconds), memoryBytes: bytes(`${memory}i`) }
}

function bytes(quantity: string): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? []
  if (number === undefined) throw new Error(`no amount of memory: ${quantity}`)
  return Number(number) * (unit === 'Mi' ? 1024 ** 2 : 1024 ** 3)
}
