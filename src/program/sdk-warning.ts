/**
 * Turns off the AWS SDK's warning about Node.js releases that a later SDK will not support: it is not for operators. Sets an
 * environment variable, which only the program may do. The library leaves its host process as it is.
 */
export function disableSdkVersionWarning(environment: NodeJS.ProcessEnv = process.env): void {
  environment.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
}
