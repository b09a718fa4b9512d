import type { SessionSettings } from '../src/protocol/index.ts'

export const settings: Omit<SessionSettings, 'limits'>
