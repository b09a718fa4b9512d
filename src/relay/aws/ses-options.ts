import type { Upstream } from './client.ts'

/** The settings of both SES backends. The SDK resolves the credentials. */
export interface SesOptions extends Upstream {
  /** The name of the configuration set. SES gets none if left out. */
  readonly configurationSet?: string
  /** The ARN of the identity that authorizes this account (cross-account sending). */
  readonly sourceArn?: string
  /** `sourceArn` if left out: users report that SES requires it even in cases in which its documentation does not. */
  readonly fromArn?: string
  /** `sourceArn` if left out. */
  readonly returnPathArn?: string
  /** Message tags, values by name. */
  readonly tags?: Readonly<Record<string, string>>
}

/** Returns the ARNs of a call. Those of the From header and of the return path default to that of the source. */
export function arnsOf({ sourceArn, fromArn = sourceArn, returnPathArn = sourceArn }: SesOptions) {
  return { sourceArn, fromArn, returnPathArn }
}
