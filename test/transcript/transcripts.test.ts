import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  asWritten,
  byteByByte,
  cutInTwo,
  type LoopbackOptions,
  overLoopback,
  readConditions,
  readTranscript,
  type Transcript,
  withLateAnswers,
  writeTranscript,
} from '../../src/transcript/index.ts'

// Plays every transcript with every runner: the result is the text of the file. With `UPDATE=1` it updates the files.

const folder = new URL('../../fixtures/', import.meta.url)
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.smtp'))
  .sort()
const fixtures = files.map(file => {
  const text = readFileSync(new URL(file, folder), 'utf8')
  const transcript = readTranscript(text, `fixtures/${file}`)
  return { file, text, transcript, conditions: readConditions(transcript.conditions) }
})

const options: LoopbackOptions = {
  certificate: {
    cert: readFileSync(new URL('tls/certificate.pem', folder)),
    key: readFileSync(new URL('tls/key.pem', folder)),
  },
  timeoutMs: 5_000,
  silenceMs: 400,
}

describe('a transcript', () => {
  it('makes a claim that no other one makes', () => {
    const titles = fixtures.map(({ transcript }) => transcript.title)
    assert.deepEqual(
      titles.filter((title, index) => titles.indexOf(title) !== index),
      [],
    )
  })

  it('has a name in kebab case', () => {
    const wrong = files.filter(file => !/^[a-z0-9]+\/[a-z0-9]+(-[a-z0-9]+)*\.smtp$/.test(file))
    assert.deepEqual(wrong, [])
  })

  it('names the RFC that it is based on', () => {
    const wrong = fixtures.filter(({ transcript }) => !/^RFC \d+\b/.test(transcript.spec))
    assert.deepEqual(
      wrong.map(({ file }) => file),
      [],
    )
  })

  for (const { file, text, transcript } of fixtures)
    it(`is read and written: ${file}`, () => assert.equal(writeTranscript(transcript), text))
})

describe('as written', () => {
  for (const { file, text, transcript, conditions } of fixtures)
    it(name(file, transcript), () => {
      const played = writeTranscript(asWritten(transcript, conditions))
      if (process.env.UPDATE === '1' && played !== text) writeFileSync(new URL(file, folder), played)
      else assert.equal(played, text)
    })
})

for (const [runnerName, runner] of Object.entries({
  'byte by byte': byteByByte,
  'cut in two at every position': cutInTwo,
  'with late answers': withLateAnswers,
}))
  describe(runnerName, () => {
    for (const { file, text, transcript, conditions } of fixtures)
      it(name(file, transcript), () => assert.equal(writeTranscript(runner(transcript, conditions)), text))
  })

describe('over loopback', { concurrency: 8 }, () => {
  for (const { file, text, transcript, conditions } of fixtures)
    it(name(file, transcript), async () =>
      assert.equal(writeTranscript(await overLoopback(transcript, conditions, options)), text),
    )
})

function name(file: string, { title }: Transcript): string {
  return `${title} (${file})`
}
