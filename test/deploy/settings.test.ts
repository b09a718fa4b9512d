/** With the settings of every file in deploy the program would start, and has the time and the memory that it needs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { names, secretVariables, variableOf } from '../../src/options/option.ts'
import { parse, type Settings } from '../../src/options.ts'
import { documentsOf, paths, resource, type Tree, textOf, variablesIn } from './files.ts'

const known = new Set<string>(names)
const variables = new Set([...names.map(variableOf), ...Object.keys(secretVariables)])

const deployment = resource(documentsOf('kubernetes/deployment.yaml'), 'Deployment').spec.template.spec
const grace = resource(documentsOf('kubernetes/load-balancer/grace.yaml'), 'Deployment').spec.template.spec
const sidecar = resource(documentsOf('kubernetes/sidecar.yaml'), 'Deployment').spec.template.spec
const [task] = documentsOf('ecs/task-definition.json')
const [values] = documentsOf('helm/values.yaml')
const unit = textOf('systemd/aws-smtp-relay.service')
const kubernetes = variablesIn(textOf('kubernetes/settings.env').split('\n'))
const component = (name: string): Readonly<Record<string, string>> =>
  variablesIn(documentsOf(`kubernetes/${name}/kustomization.yaml`)[0].configMapGenerator[0].literals)
const dropIn = (name: string) =>
  variablesIn(
    [...textOf(`systemd/aws-smtp-relay.service.d/${name}.conf`).matchAll(/^Environment=(.*)$/gm)].map(
      ([, line]) => line!,
    ),
  )
const systemd = variablesIn(textOf('systemd/environment').split('\n'))

interface Case {
  readonly env: Readonly<Record<string, string>>
  /** What stops it sends SIGTERM, and kills it so much later. */
  readonly graceSeconds: number
  readonly memoryBytes: number
}

const cases: Readonly<Record<string, Case>> = {
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

for (const [name, { env, graceSeconds, memoryBytes }] of Object.entries(cases)) {
  test(`${name}: the program starts with these settings, without a warning`, () => {
    assert.deepEqual(settingsOf(env).warnings, [])
  })

  test(`${name}: mails under way can end before it is killed`, () => {
    assert.ok(graceSeconds >= settingsOf(env).drainTimeoutMs / 1000 + 10)
  })

  test(`${name}: there is memory for the mails and 150 MB for every process`, () => {
    const settings = settingsOf(env)
    const processes = settings.workers === 1 ? 1 : settings.workers + 1
    assert.ok(memoryBytes >= settings.memoryBytes + processes * 150e6)
  })
}

test('what ECS may be told to wait is at most 120 seconds', () => {
  assert.ok(task.containerDefinitions[0].stopTimeout <= 120)
})

test('every variable that the files name is read by the program', () => {
  for (const path of paths) {
    for (const [name] of textOf(path).matchAll(/\bSMTP_RELAY_[A-Z_]*[A-Z]\b/g)) {
      assert.ok(variables.has(name), `${path}: ${name}`)
    }
  }
})

test('every option that the files name exists', () => {
  const other = /\b(kubectl|helm|aws|htpasswd|promtool|npm|docker) /
  for (const path of paths.filter(path => !path.endsWith('.md'))) {
    const lines = textOf(path)
      .split('\n')
      .filter(line => !other.test(line))
    for (const [, name] of lines.join('\n').matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)) {
      assert.ok(known.has(name!), `${path}: --${name}`)
    }
  }
})

test('the program may do nothing in a container but what it does', () => {
  for (const [pod, container] of [
    [deployment, deployment.containers[0]],
    [sidecar, sidecar.initContainers[0]],
  ]) {
    const { runAsNonRoot, runAsUser, seccompProfile } = pod.securityContext
    assert.deepEqual([runAsNonRoot, runAsUser, seccompProfile.type], [true, 1000, 'RuntimeDefault'])
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  }
})

test('beside an application it listens where nobody else can reach it', () => {
  const { listen } = settingsOf(cases.sidecar!.env)
  assert.deepEqual(
    listen.map(({ host }) => host),
    ['127.0.0.1'],
  )
  assert.equal(sidecar.initContainers[0].restartPolicy, 'Always')
})

test('the load balancer is let in from the addresses that are believed to be its own, and from no others', () => {
  const [policy] = documentsOf('kubernetes/load-balancer/network-policy.yaml')
  const blocks = policy.spec.ingress[0].from.map((peer: Tree) => peer.ipBlock.cidr)
  assert.equal(component('load-balancer').SMTP_RELAY_PROXY_PROTOCOL, blocks.join())
})

test('with the PROXY protocol health checks come by TCP: HTTP would have the header in front, too', () => {
  const [service] = documentsOf('kubernetes/load-balancer/service.yaml')
  const prefix = 'service.beta.kubernetes.io/aws-load-balancer'
  assert.equal(service.metadata.annotations[`${prefix}-proxy-protocol`], '*')
  assert.equal(service.metadata.annotations[`${prefix}-healthcheck-protocol`], 'tcp')
  const [attributes] = documentsOf('ecs/target-group-attributes.json')
  assert.ok(attributes.some((one: Tree) => one.Key === 'proxy_protocol_v2.enabled' && one.Value === 'true'))
  assert.equal(documentsOf('ecs/target-group.json')[0].HealthCheckProtocol, 'TCP')
})

function settingsOf(env: Case['env']): Settings {
  const parsed = parse([], env)
  assert.ok(parsed.type === 'settings', 'message' in parsed ? parsed.message : parsed.type)
  return parsed.settings
}

function named(list: readonly { readonly name: string; readonly value: string }[]): Case['env'] {
  return Object.fromEntries(list.map(({ name, value }) => [name, value]))
}

function podOf(pod: Tree, container: Tree): Omit<Case, 'env'> {
  const preStopSeconds = container.lifecycle?.preStop.sleep.seconds ?? 0
  // 30 is what Kubernetes takes where a pod does not say.
  const graceSeconds = (pod.terminationGracePeriodSeconds ?? 30) - preStopSeconds
  return { graceSeconds, memoryBytes: bytes(container.resources.limits.memory) }
}

function unitOf(text: string): Omit<Case, 'env'> {
  const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(text) ?? []
  const [, memory] = /^MemoryMax=(\w+)$/m.exec(text) ?? []
  return { graceSeconds: Number(seconds), memoryBytes: bytes(`${memory}i`) }
}

function bytes(quantity: string): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? []
  assert.ok(number !== undefined, quantity)
  return Number(number) * (unit === 'Mi' ? 1024 ** 2 : 1024 ** 3)
}
