import { readFileSync } from 'node:fs'
import type { Certificate } from '../support/fake-aws.ts'

// All of them were made with this key.
const key = fixture('key.pem')

/** Names 127.0.0.1; trusted if it is configured. */
export const good: Certificate = { key, cert: fixture('certificate.pem') }

/** The same, but it has expired. */
export const expired: Certificate = {
  key,
  cert: `-----BEGIN CERTIFICATE-----
MIIC6DCCAdCgAwIBAgIURlKGzGfC9pPXDULC3JcqlycN1D4wDQYJKoZIhvcNAQEL
BQAwFDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyMjE4Mzc0MFoXDTI2MTEy
MTE4Mzc0MFowFDESMBAGA1UEAwwJbG9jYWxob3N0MIIBIjANBgkqhkiG9w0BAQEF
AAOCAQ8AMIIBCgKCAQEA79lP73xNhGviSl0Xe6bc3hONwtKXqrGyPHuxhsrNBvQD
QBxUqex0afad3FvnCC9naJAM1Gll6J+7XUkO0U1k9qY9tQ20lLbYfcMifORHjcwS
j9HhbnijqSLqMPlIAIBRbajwSlrpKSLiEV9KbBKYzPZ+SU21EZIjBNXZXq6uh6t/
wuzNWGq/ghd0P7Nx6H5PeoxlKq4HvKBFljnKpyf7ZFoH78zF/d8ul6e4bWKOrQOe
BtSig2LPmHn96jOi/aE1OHTyyygBYxq6gdRD1si15cNULO+ttB0iUDepVpKSwvLp
nyM7aPTLPcVOvkiWyDqfZ/esPChyXV/MsvVKYqAoqwIDAQABozIwMDAPBgNVHREE
CDAGhwR/AAABMB0GA1UdDgQWBBTD44gBdJBR2rp88FSe58u769J4uDANBgkqhkiG
9w0BAQsFAAOCAQEAs54roGjBnXfRDMXUHgU/7SM/fgPsiYBoS5BCDqtBNYtm3S9k
D4CXRAQOISPZrGAnXeWHozflmVhZv3M/dWiXGDg9N6qQ90CxYwf/zABysW0/6XKi
EKOPuMT3GzkuEozlMYSFSNPGHrpPCBY8LFDEcK7+ssKFdfPQLzDpvTiLwC6pmsxs
YVSFTdecgjBVcuOLAvgIxEqejB74aENlmhWxZreD19Hq3G+TKdD97sbyZEcHpIj3
rvh2bvTKWw9KtTjqVCGZT7RErybyh3W851UJzgpOM2O54giX6DkHTcDph6dh9PGg
kq0kSdHNcwGnP66T8LmcuGe7mXORHBO6+BwSiA==
-----END CERTIFICATE-----
`,
}

/** Names elsewhere.test, valid for a hundred years. */
export const ofAnother: Certificate = {
  key,
  cert: `-----BEGIN CERTIFICATE-----
MIIDMDCCAhigAwIBAgIUcnUEojKsoJBYYmkPwKj28xPFGKIwDQYJKoZIhvcNAQEL
BQAwGTEXMBUGA1UEAwwOZWxzZXdoZXJlLnRlc3QwIBcNMjYxMTIyMTg0MTQ3WhgP
MjEyNjEwMjkxODQxNDdaMBkxFzAVBgNVBAMMDmVsc2V3aGVyZS50ZXN0MIIBIjAN
BgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA79lP73xNhGviSl0Xe6bc3hONwtKX
qrGyPHuxhsrNBvQDQBxUqex0afad3FvnCC9naJAM1Gll6J+7XUkO0U1k9qY9tQ20
lLbYfcMifORHjcwSj9HhbnijqSLqMPlIAIBRbajwSlrpKSLiEV9KbBKYzPZ+SU21
EZIjBNXZXq6uh6t/wuzNWGq/ghd0P7Nx6H5PeoxlKq4HvKBFljnKpyf7ZFoH78zF
/d8ul6e4bWKOrQOeBtSig2LPmHn96jOi/aE1OHTyyygBYxq6gdRD1si15cNULO+t
tB0iUDepVpKSwvLpnyM7aPTLPcVOvkiWyDqfZ/esPChyXV/MsvVKYqAoqwIDAQAB
o24wbDAdBgNVHQ4EFgQUw+OIAXSQUdq6fPBUnufLu+vSeLgwHwYDVR0jBBgwFoAU
w+OIAXSQUdq6fPBUnufLu+vSeLgwDwYDVR0TAQH/BAUwAwEB/zAZBgNVHREEEjAQ
gg5lbHNld2hlcmUudGVzdDANBgkqhkiG9w0BAQsFAAOCAQEAYOvlzmUzfYLm8bDU
oBXz0FDWMp2+ZmIkBSwT2zISK32tf1AHAyGsofYbRvcJ5Gqf2fiLC5D19uAkBUB3
6Gfw8lc5/Tykc4wBgxzPJFaaYx013wZ0IZPb6OuMLE3cGlxtIBGQLDZ20mFeX7wy
HQ/e9hhylQzMIOk0s5TVVIy8HzHv4PozQUE0UAJMU7ctOGxWeb0qsnSl6XVrEAep
yIOBfplX9RkDGFmLmT81lYums6pVN+PdWFuqpUiP+GJCbRpieOR+6HVjVJLTr28o
f/3JWBaaBFL+KqGUBkAw5R7ubHS6ub/hF+Qa82c4xfkIlixU/ka/+/XtVV+TjQKb
B6p3Rw==
-----END CERTIFICATE-----
`,
}

function fixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8')
}
