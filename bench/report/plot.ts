import { type LoadName, loadNames, loads } from '../load/loads.ts'
import { type ServerName, serverNames, titleOf } from '../servers/servers.ts'
import type { Results } from './results.ts'
import { digits } from './table.ts'

const width = 820
const barsAt = 270
const barsWidth = 460
const barHeight = 16
const barPitch = 21
const groupGap = 46
const top = 76

const colours: Readonly<Record<ServerName, string>> = {
  floor: '#8c959f',
  engine: '#2da44e',
  discard: '#1b7c83',
  smtpServer: '#d4a72c',
  ses: '#218bff',
  stockSdk: '#a475f9',
  smtpServerSdk: '#e16f24',
}

/** Returns an SVG with bars of the server CPU per message. It has a background, so that it is readable on any page. */
export function plot(results: Results): string {
  const parts: string[] = []
  let y = top
  for (const load of loadNames.filter(name => Object.keys(results.costs[name]).length > 0)) {
    const { svg, height } = group(results, load, y)
    parts.push(svg)
    y += height + groupGap
  }
  const height = y - groupGap + 24
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Server CPU per message, by load and server</title>
<style>
  rect.page { fill: #ffffff }
  text { fill: #1f2328; font: 13px -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif }
  text.head { font-size: 16px; font-weight: 600 }
  text.load { font-weight: 600 }
  text.name { text-anchor: end }
  text.note { fill: #59636e; font-size: 12px }
  @media (prefers-color-scheme: dark) {
    rect.page { fill: #0d1117 }
    text { fill: #f0f6fc }
    text.note { fill: #9198a1 }
  }
</style>
<rect class="page" width="${width}" height="${height}" rx="6"/>
<text class="head" x="24" y="32">Server CPU per message, in milliseconds</text>
<text class="note" x="24" y="52">${xml(`Shorter is better. Each load has its own scale. ${results.date}, Node.js ${results.machine.node}, ${results.machine.cpu}`)}</text>
${parts.join('\n')}
</svg>
`
}

function group({ costs }: Results, load: LoadName, y: number): { svg: string; height: number } {
  const rows = serverNames.flatMap(name => {
    const cpuMs = costs[load][name]?.cpuMs.median
    return cpuMs === undefined ? [] : [{ name, cpuMs }]
  })
  const longest = Math.max(...rows.map(({ cpuMs }) => cpuMs))
  const bars = rows.map(({ name, cpuMs }, i) => {
    const at = y + 14 + i * barPitch
    const length = Math.max(1, (cpuMs / longest) * barsWidth)
    const base = at + barHeight - 4
    return [
      `<text class="name" x="${barsAt - 10}" y="${base}">${xml(titleOf(name))}</text>`,
      `<rect x="${barsAt}" y="${at}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" fill="${colours[name]}"/>`,
      `<text x="${(barsAt + length + 8).toFixed(1)}" y="${base}">${digits(cpuMs)}</text>`,
    ].join('\n')
  })
  const head = `<text class="load" x="24" y="${y + 4}">${xml(loads[load].title)}</text>`
  return { svg: [head, ...bars].join('\n'), height: rows.length * barPitch }
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
