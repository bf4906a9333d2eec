import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { OutriderError } from '../errors.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

/** Far more than any chain of certificates. */
const MOST_BYTES = 2 ** 20;

/** Reads a certificate and its key. Throws `bad_request` naming the file that cannot be used; never what stands in it. */
export async function readTlsIdentity(files: TlsFiles): Promise<{ cert: string; key: string; clientCa?: string }> {
  const { clientCa } = files;
  const [cert, key, ca] = await Promise.all([
    readPem(files.cert),
    readPem(files.key),
    clientCa === undefined ? undefined : readPem(clientCa),
  ]);
  const certificate = attempt(files.cert, 'not a certificate (PEM)', () => new X509Certificate(cert));
  const privateKey = attempt(files.key, 'not a private key (PEM) without a passphrase', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw unusable(files.key, `not the key of ${files.cert}`);
  if (clientCa !== undefined && ca !== undefined) {
    attempt(clientCa, 'not a certificate (PEM)', () => new X509Certificate(ca));
    return { cert, key, clientCa: ca };
  }
  return { cert, key };
}

async function readPem(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) throw unusable(file, 'larger than 1 MiB');
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof OutriderError) throw error;
    throw unusable(
      file,
      error instanceof Error && 'code' in error ? `cannot be read: ${String(error.code)}` : 'cannot be read',
    );
  }
}

function attempt<T>(file: string, otherwise: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw unusable(file, otherwise);
  }
}

function unusable(file: string, why: string): OutriderError {
  return new OutriderError('bad_request', `${file}: ${why}`);
}
