import { test } from 'node:test'
import fc from 'fast-check'
import { claims } from './claims.ts'

// `npm run fuzz` tests many more inputs.

for (const { text, runs, property } of claims) {
  test(text, async () => {
    await fc.assert(property as fc.IAsyncProperty<unknown>, { numRuns: runs })
  })
}
