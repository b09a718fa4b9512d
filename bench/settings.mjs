// The engine as it is measured everywhere here: nothing but mail, and no limit that is met.
export const settings = {
  hostname: 'bench.test',
  service: 'Bench',
  tls: 'none',
  authRequired: false,
  mechanisms: [],
  allowPlaintextAuth: false,
  smtpUtf8: false,
  binaryMime: true,
  bareNewline: 'normalize',
  strictPipelining: false,
}
