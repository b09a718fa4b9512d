/** What the words of the events are called in the log and in the labels of metrics. */
import type { ReplyId } from '../protocol/index.ts'
import type { Delivery, MessageEnd } from '../relay/index.ts'
import type { CloseReason, RejectReason } from '../transport/index.ts'

/** `reason` of `connections_refused_total`. */
export const rejectLabels = {
  connectionLimit: 'connection_limit',
  perIpLimit: 'per_ip_limit',
  memory: 'memory',
  proxyHeader: 'proxy_header',
} as const satisfies Record<RejectReason, string>

/** Why a connection was rejected, in the log. */
export const rejectTexts = {
  connectionLimit: 'Too many connections',
  perIpLimit: 'Too many connections from this address',
  memory: 'No memory for more connections',
  proxyHeader: 'No valid PROXY header',
} as const satisfies Record<RejectReason, string>

/** `outcome` of `sessions_total`, and of an event of `--verbose`. */
export const closeLabels = {
  quit: 'quit',
  disconnect: 'disconnect',
  timeout: 'timeout',
  errors: 'errors',
  refused: 'refused',
  host: 'host',
  shutdown: 'shutdown',
  overload: 'overload',
  fault: 'internal_error',
} as const satisfies Record<CloseReason, string>

/** `outcome` of `messages_total`. */
export const messageLabels = {
  accepted: 'accepted',
  temporary: 'temporary',
  permanent: 'permanent',
  aborted: 'aborted',
} as const satisfies Record<MessageEnd['outcome'], string>

/** `reason` of `rejections_total`: a client, its credentials, a message or a part of it that this server itself rejected. */
export type RejectionLabel = (typeof rejectionLabels)[number]

export const rejectionLabels = [
  'ip_not_allowed',
  'auth_failed',
  'sender_denied',
  'recipient_denied',
  'message_size',
  'recipient_limit',
  'memory',
  'slow',
  'error_limit',
] as const

/** By the id of a reply that reports that a limit is exceeded. */
export const limitLabels: ReadonlyMap<string | undefined, RejectionLabel> = new Map<ReplyId, RejectionLabel>([
  ['tooLarge', 'message_size'],
  ['tooManyRecipients', 'recipient_limit'],
])

/** By what was rejected before the backend was called. */
export const deliveryLabels = {
  sender: 'sender_denied',
  recipient: 'recipient_denied',
  memory: 'memory',
  slow: 'slow',
} as const satisfies Record<NonNullable<Delivery['rejected']>, RejectionLabel>
