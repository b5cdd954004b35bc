import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type Config } from './config.ts';

/** Keys by id. The last one seals, all of them open, so that a key can be replaced while old text is still about. */
export interface KeyRing {
  readonly sealing: string;
  readonly keys: ReadonlyMap<string, Buffer>;
}

/** What a sealed text belongs to; for anything else it does not open. */
export interface SealedFor {
  readonly account: string;
  readonly purpose: string;
  readonly version: number;
}

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** `{key id}.{nonce}.{text and tag}`, with a new nonce each time. */
export function seal(ring: KeyRing, plain: string, sealedFor: SealedFor): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, keyOf(ring, ring.sealing), nonce, { authTagLength: tagBytes });
  cipher.setAAD(boundTo(sealedFor));
  const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return [ring.sealing, nonce.toString('base64url'), text.toString('base64url')].join('.');
}

/** @throws Error when the key is not in the ring, the text was changed, or it was sealed for something else */
export function unseal(ring: KeyRing, sealed: string, sealedFor: SealedFor): string {
  const [id = '', nonce = '', text = ''] = sealed.split('.');
  const bytes = Buffer.from(text, 'base64url');
  const decipher = createDecipheriv(algorithm, keyOf(ring, id), Buffer.from(nonce, 'base64url'), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(boundTo(sealedFor));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  return decipher.update(bytes.subarray(0, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
}

/** As JSON, because the parts may hold any character. */
const boundTo = ({ account, purpose, version }: SealedFor) => Buffer.from(JSON.stringify([account, purpose, version]));

function keyOf({ keys }: KeyRing, id: string): Buffer {
  const key = keys.get(id);
  if (key === undefined) throw new Error(`secrets key "${id}" is not in the key ring`);
  return key;
}

/**
 * Lines `id:key`, the key as base64 of 32 bytes.
 *
 * @throws ConfigError that names `source` and the line, never the key
 */
export function parseKeyRing(text: string, source: string): KeyRing {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const entries = lines.map((line, index) => parseLine(line, `${source} line ${index + 1}`));
  const last = entries.at(-1);
  if (last === undefined) throw new ConfigError(`${source} is empty: it holds lines "id:key"; put one key into it`);
  return { sealing: last[0], keys: new Map(entries) };
}

function parseLine(line: string, where: string): readonly [string, Buffer] {
  const [, id, encoded = ''] = /^([\w-]{1,40}):(.+)$/.exec(line) ?? [];
  const key = Buffer.from(encoded, 'base64');
  if (id === undefined || key.length !== keyBytes) {
    throw new ConfigError(
      `${where} is not "id:key" with a key of ${keyBytes} bytes in base64; make one with: openssl rand -base64 32`,
    );
  }
  return [id, key];
}

/**
 * The ring of this configuration, else the one in the home (readable by its owner only), which is generated at the first start.
 *
 * @throws ConfigError when a database of one's own is used and no key is there: the home may be lost, the database is not
 */
export async function loadKeyRing(
  config: Pick<Config, 'home' | 'databaseUrl' | 'secretsKey' | 'secretsKeyFile'>,
): Promise<KeyRing> {
  const { secretsKey, secretsKeyFile, databaseUrl, home } = config;
  if (secretsKey !== null) return parseKeyRing(secretsKey, 'BELAY_SECRETS_KEY');
  if (secretsKeyFile !== null) return parseKeyRing(await readFile(secretsKeyFile, 'utf8'), 'BELAY_SECRETS_KEY_FILE');
  const path = join(home, 'secrets.key');
  if (databaseUrl === null) await generateKey(home, path);
  const text = await contentOf(path);
  if (text !== null) return parseKeyRing(text, path);
  throw new ConfigError(
    'BELAY_SECRETS_KEY is unset: with DATABASE_URL the key must outlive this machine; set it or BELAY_SECRETS_KEY_FILE',
  );
}

async function contentOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Written beside and linked into place, so that a reader finds a whole key or none, and of several starting processes one wins. */
async function generateKey(home: string, path: string): Promise<void> {
  if ((await contentOf(path)) !== null) return;
  await mkdir(home, { recursive: true });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `k1:${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600, flush: true });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
