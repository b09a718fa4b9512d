import type { Upstream } from './client.ts'

/** What the operator may say about sending through SES, either version; credentials and region are the SDK's to find. */
export interface SesOptions extends Upstream {
  /** Its name; none is given to SES where it is left out. */
  readonly configurationSet?: string
  /** Cross-account sending: ARN of the identity that authorises this one. */
  readonly sourceArn?: string
  /** `sourceArn` if left out: users report that SES wants it also where its documentation does not. */
  readonly fromArn?: string
  /** `sourceArn` if left out. */
  readonly returnPathArn?: string
  /** Message tags, name to value. */
  readonly tags?: Readonly<Record<string, string>>
}

/** The ARNs of a call: those of the From header and of the return path are that of the source unless they are given. */
export function arnsOf({ sourceArn, fromArn = sourceArn, returnPathArn = sourceArn }: SesOptions) {
  return { sourceArn, fromArn, returnPathArn }
}
