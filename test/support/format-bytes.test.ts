import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clip } from '../../src/support/escape.ts'
import { formatBytes } from '../../src/support/format-bytes.ts'

test('bytes are shown in binary units with at most one decimal', () => {
  const texts = [0, 1023, 1024, 1234, 1024 ** 2, 10 * 1024 ** 2, 1.5 * 1024 ** 3, 2048 * 1024 ** 3]
  assert.deepEqual(texts.map(formatBytes), [
    '0 bytes',
    '1023 bytes',
    '1 KiB',
    '1.2 KiB',
    '1 MiB',
    '10 MiB',
    '1.5 GiB',
    '2048 GiB',
  ])
})

test('a text is clipped only if it is longer than the limit', () => {
  assert.deepEqual([clip('abc', 3), clip('abcd', 3), clip('', 3)], ['abc', 'abc...', ''])
})
