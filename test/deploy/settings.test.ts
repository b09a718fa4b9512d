/** With the settings of every file in deploy, the program starts, and has the time and the memory that it needs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, type Settings } from '../../src/config/index.ts'
import { names, secretVariables, variableOf } from '../../src/config/option.ts'
import { documentsOf, paths, type Tree, textOf } from './files.ts'
import { component, deployment, type Setup, setups, sidecar, task } from './setups.ts'

const known = new Set<string>(names)
const variables = new Set([...names.map(variableOf), ...Object.keys(secretVariables)])

for (const [name, { env, graceSeconds, memoryBytes }] of Object.entries(setups)) {
  test(`${name}: the program starts with these settings, without a warning`, () => {
    assert.deepEqual(settingsOf(env).warnings, [])
  })

  test(`${name}: messages in flight can finish before the process is killed`, () => {
    assert.ok(graceSeconds >= settingsOf(env).drainTimeoutMs / 1000 + 10)
  })

  test(`${name}: there is memory for the messages and 230 MB for every process`, () => {
    const settings = settingsOf(env)
    const processes = settings.workers === 1 ? 1 : settings.workers + 1
    assert.ok(memoryBytes >= settings.messageMemoryBytes + processes * 230e6)
  })
}

test('the time that ECS waits is at most 120 seconds', () => {
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

test('the container has no permission that the program does not need', () => {
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

test('a sidecar listens on an address that only its application can reach', () => {
  const { listen } = settingsOf(setups.sidecar!.env)
  assert.deepEqual(
    listen.map(({ host }) => host),
    ['127.0.0.1'],
  )
  assert.equal(sidecar.initContainers[0].restartPolicy, 'Always')
})

test('the network policy admits the load balancer from its trusted addresses, and from no others', () => {
  const [policy] = documentsOf('kubernetes/load-balancer/network-policy.yaml')
  const blocks = policy.spec.ingress[0].from.map((peer: Tree) => peer.ipBlock.cidr)
  assert.equal(component('load-balancer').SMTP_RELAY_PROXY_PROTOCOL, blocks.join())
})

test('with the PROXY protocol, health checks use TCP: with HTTP they would begin with the header, too', () => {
  const [service] = documentsOf('kubernetes/load-balancer/service.yaml')
  const prefix = 'service.beta.kubernetes.io/aws-load-balancer'
  assert.equal(service.metadata.annotations[`${prefix}-proxy-protocol`], '*')
  assert.equal(service.metadata.annotations[`${prefix}-healthcheck-protocol`], 'tcp')
  const [attributes] = documentsOf('ecs/target-group-attributes.json')
  assert.ok(attributes.some((one: Tree) => one.Key === 'proxy_protocol_v2.enabled' && one.Value === 'true'))
  assert.equal(documentsOf('ecs/target-group.json')[0].HealthCheckProtocol, 'TCP')
})

function settingsOf(env: Setup['env']): Settings {
  const parsed = parse([], env)
  assert.ok(parsed.type === 'settings', 'message' in parsed ? parsed.message : parsed.type)
  return parsed.settings
}
