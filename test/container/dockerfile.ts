/** An instruction of a Dockerfile, with joined lines and unexpanded variables. */
export interface Instruction {
  readonly name: string
  readonly rest: string
}

/** A build stage: the instructions from one FROM to the next. */
export interface Stage {
  readonly name: string
  readonly base: string
  /** True if the stage runs on the build platform, whatever the target platform is. */
  readonly onBuilder: boolean
  readonly instructions: readonly Instruction[]
}

/** Parses the subset of Dockerfile syntax that this repository uses. Throws on anything else. */
export function readDockerfile(text: string): {
  readonly variables: ReadonlyMap<string, string>
  readonly stages: readonly Stage[]
} {
  const variables = new Map<string, string>()
  const stages: (Stage & { instructions: Instruction[] })[] = []
  for (const { name, rest } of instructionsOf(text)) {
    if (!known.includes(name)) throw new Error(`What does ${name} do?`)
    if (name === 'ARG') {
      const [, variable, value = ''] = /^(\w+)(?:=(.*))?$/.exec(rest)!
      variables.set(variable!, value)
    } else if (name === 'FROM') {
      const [, platform, base = '', as] = /^(?:--platform=(\S+) )?(\S+)(?: AS (\S+))?$/.exec(rest)!
      const onBuilder = platform === '$BUILDPLATFORM'
      if (platform !== undefined && !onBuilder) throw new Error(`Which platform is ${platform}?`)
      stages.push({
        name: as ?? String(stages.length),
        base: filled(base, variables),
        onBuilder,
        instructions: [],
      })
    } else stages.at(-1)!.instructions.push({ name, rest: filled(rest, variables) })
  }
  return { variables, stages }
}

/** Returns the arguments of an instruction in exec form (JSON). Throws on the shell form, which needs a shell. */
export function execForm(rest: string): readonly string[] {
  return JSON.parse(rest) as string[]
}

/** Returns true if the build context contains a file. The last matching pattern of .dockerignore decides. */
export function isInContext(path: string, dockerignore: string): boolean {
  const patterns = dockerignore.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const last = patterns.findLast(pattern => {
    const plain = pattern.replace(/^!/, '')
    if (/[?[\]\\]|\*./.test(plain)) throw new Error(`What does ${pattern} match?`)
    return plain === '*' || path === plain || path.startsWith(`${plain}/`)
  })
  return last === undefined || last.startsWith('!')
}

const known = 'ARG FROM LABEL ENV WORKDIR COPY RUN USER EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT'.split(' ')

function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n').filter(line => !line.startsWith('#') && line.trim() !== '')
  const whole = lines.join('\n').replace(/\\\n\s*/g, '')
  return whole.split('\n').map(line => {
    const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line)!
    return { name, rest }
  })
}

function filled(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name) => variables.get(name) ?? whole)
}
