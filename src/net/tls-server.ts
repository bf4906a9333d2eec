import type { ServerOptions } from 'node:http';
import { createServer, type Server } from 'node:https';

/** A server's certificate: PEM texts. */
export interface TlsIdentity {
  /** With the certificates of whoever signed it, up to the root. */
  readonly cert: string;
  readonly key: string;
  /** Of whoever signs callers' certificates: then callers without one are turned away. */
  readonly clientCa?: string;
}

/** A server of HTTP/1.1 behind TLS 1.2 and later. `handshakeTimeout`: in milliseconds. */
export function tlsServer(settings: ServerOptions, tls: TlsIdentity, handshakeTimeout: number): Server {
  return createServer({
    ...settings,
    ...secureContext(tls),
    handshakeTimeout,
    ...(tls.clientCa !== undefined && { requestCert: true, rejectUnauthorized: true }),
  });
}

/** What new connections are secured with, as a server is made with it and as `setSecureContext` takes it. */
export function secureContext({ cert, key, clientCa }: TlsIdentity): object {
  return { cert, key, minVersion: 'TLSv1.2', ...(clientCa !== undefined && { ca: clientCa }) };
}
