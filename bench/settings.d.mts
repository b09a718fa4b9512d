import type { Settings } from '../src/protocol/index.ts'

export const settings: Omit<Settings, 'limits'>
