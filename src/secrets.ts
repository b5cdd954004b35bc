import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type Config } from './config.ts';

/** Encrypts with its last key, decrypts with all of them. */
export interface KeyRing {
  /** AES-256-GCM with a random nonce; `owner` is bound to the text and must be named again to open it. */
  seal(text: string, owner: string): string;
  /** @throws SecretsError when the key is not in the ring, or the text was changed or belongs to another owner */
  open(sealed: string, owner: string): string;
}

/** Something cannot be decrypted; never says what. */
export class SecretsError extends Error {
  override readonly name = 'SecretsError';
}

const version = 'v1';

/**
 * A ring from lines `id:key` (32 bytes in base64 each); the last one encrypts.
 *
 * @throws ConfigError on an empty ring or a line that is no key
 */
export function keyRing(lines: string): KeyRing {
  const keys = lines.split('\n').map((line) => line.trim()).filter((line) => line !== '').map(parseKey);
  const newest = keys.at(-1);
  if (newest === undefined) throw new ConfigError('the key ring is empty: give one line `id:key` with 32 bytes in base64.');
  return {
    seal: (text, owner) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', newest.key, nonce).setAAD(bound(owner));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return [version, newest.id, ...[nonce, cipher.getAuthTag(), body].map((part) => part.toString('base64'))].join(':');
    },
    open: (sealed, owner) => openWith(keys, sealed, owner),
  };
}

interface Key {
  readonly id: string;
  readonly key: Buffer;
}

function parseKey(line: string): Key {
  const [id = '', text = ''] = line.split(':');
  const key = Buffer.from(text, 'base64');
  if (id === '' || key.length !== 32) throw new ConfigError('a line of the key ring is not `id:key` with 32 bytes in base64.');
  return { id, key };
}

const bound = (owner: string) => Buffer.from(`${owner}|credentials|${version}`);

function openWith(keys: readonly Key[], sealed: string, owner: string): string {
  const [, id, nonce = '', tag = '', body = ''] = sealed.split(':');
  const key = keys.find((candidate) => candidate.id === id);
  if (key === undefined) throw new SecretsError(`credentials of ${owner} were sealed with a key that is not in the ring`);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.key, Buffer.from(nonce, 'base64')).setAAD(bound(owner));
    decipher.setAuthTag(Buffer.from(tag, 'base64'));
    return decipher.update(Buffer.from(body, 'base64'), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    // The library's own message could tell about the content.
    throw new SecretsError(`credentials of ${owner} cannot be opened: they were changed or belong to another account`);
  }
}

/**
 * The ring of this Belay: from the environment, from a file, or generated once in the home (mode 0600).
 *
 * @throws ConfigError with a database of one's own and no key: a generated one would be lost with the home
 */
export async function openKeyRing(config: Pick<Config, 'home' | 'secretsKey' | 'secretsKeyFile'>): Promise<KeyRing> {
  if (config.secretsKey !== null) return keyRing(config.secretsKey);
  return keyRing(await readFile(config.secretsKeyFile ?? (await generated(config.home)), 'utf8'));
}

async function generated(home: string): Promise<string> {
  const file = join(home, 'secrets.key');
  await mkdir(home, { recursive: true });
  try {
    await writeFile(file, `k1:${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // Made by an earlier start, or by a process that started at the same time.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return file;
}
