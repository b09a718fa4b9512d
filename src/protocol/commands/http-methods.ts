/**
 * The HTTP methods in IANA's registry, without `*`. PRI begins the HTTP/2 preface (RFC 9113 section 3.4). None of
 * them is an SMTP command.
 */
export const httpMethods: readonly string[] = [
  // RFC 9110, RFC 5789, and HTTP/2
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'QUERY', 'PRI'],
  // WebDAV (RFC 4918), its search (RFC 5323), its access control (RFC 3744) and CalDAV (RFC 4791)
  ...['COPY', 'LOCK', 'MKCOL', 'MOVE', 'PROPFIND', 'PROPPATCH', 'UNLOCK', 'SEARCH', 'ACL', 'MKCALENDAR'],
  // Versions (RFC 3253)
  ...['BASELINE-CONTROL', 'CHECKIN', 'CHECKOUT', 'LABEL', 'MERGE', 'MKACTIVITY', 'MKWORKSPACE', 'REPORT'],
  ...['UNCHECKOUT', 'UPDATE', 'VERSION-CONTROL'],
  // Links, bindings, redirects and order (RFC 2068, RFC 5842, RFC 4437, RFC 3648)
  ...['LINK', 'UNLINK', 'BIND', 'REBIND', 'UNBIND', 'MKREDIRECTREF', 'UPDATEREDIRECTREF', 'ORDERPATCH'],
]
