/** What the words of the events are called in the log and in the labels of metrics. */
import type { Delivery, MessageEnd } from '../relay/index.ts'
import type { CloseReason, ConnectionEvent, RejectReason } from '../transport/index.ts'

/** `reason` of `connections_refused_total`. */
export const rejectLabels = {
  total: 'connection_limit',
  address: 'per_ip_limit',
  memory: 'memory',
  proxyHeader: 'proxy_header',
} as const satisfies Record<RejectReason, string>

/** Why a connection was rejected, in the log. */
export const rejectTexts = {
  total: 'Too many connections',
  address: 'Too many connections from this address',
  memory: 'No memory for more connections',
  proxyHeader: 'No valid PROXY header',
} as const satisfies Record<RejectReason, string>

/** `outcome` of `sessions_total`, and of an event of `--verbose`. */
export const closeLabels = {
  quit: 'quit',
  hangup: 'disconnect',
  timeout: 'timeout',
  errors: 'errors',
  refused: 'refused',
  shutdown: 'shutdown',
  overload: 'overload',
  fault: 'internal_error',
} as const satisfies Record<CloseReason, string>

/** `outcome` of `messages_total`. */
export const messageLabels = {
  accepted: 'accepted',
  temporary: 'temporary',
  permanent: 'permanent',
  abandoned: 'aborted',
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

/** By the limit of the engine that a reply reports. */
export const limitLabels = {
  size: 'message_size',
  recipients: 'recipient_limit',
} as const satisfies Record<
  NonNullable<Extract<ConnectionEvent, { limit: unknown }>['limit']>,
  RejectionLabel
>

/** By what was rejected before the backend was called. */
export const deliveryLabels = {
  sender: 'sender_denied',
  recipient: 'recipient_denied',
  memory: 'memory',
  slow: 'slow',
} as const satisfies Record<NonNullable<Delivery['rejected']>, RejectionLabel>
