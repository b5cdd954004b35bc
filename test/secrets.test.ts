import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadKeyRing, parseKeyRing, seal, unseal } from '../src/secrets.ts';

const line = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

const owner = { account: 'SIM-HEDGE', purpose: 'credentials', version: 1 };

describe('sealed credentials', () => {
  const ring = parseKeyRing(line('k1'), 'test');

  test('open to what was sealed, and never look the same twice', () => {
    const [one, two] = [seal(ring, '{"password":"ü"}', owner), seal(ring, '{"password":"ü"}', owner)];
    expect(unseal(ring, one, owner)).toBe('{"password":"ü"}');
    expect(one).not.toBe(two);
    expect(one).not.toContain('password');
  });

  test.each([
    ['another account', { ...owner, account: 'SIM-NET' }],
    ['another purpose', { ...owner, purpose: 'token' }],
    ['another version', { ...owner, version: 2 }],
  ])('do not open for %s', (_, other) => {
    expect(() => unseal(ring, seal(ring, 'secret', owner), other)).toThrow();
  });

  test('do not open when a byte was changed', () => {
    const [id, nonce, text = ''] = seal(ring, 'secret', owner).split('.');
    const other = text.startsWith('A') ? 'B' : 'A';
    expect(() => unseal(ring, [id, nonce, other + text.slice(1)].join('.'), owner)).toThrow();
  });

  test('are sealed with the last key and opened with any of the ring', () => {
    const [oldLine, newLine] = [line('old'), line('new')];
    const before = seal(parseKeyRing(oldLine, 'test'), 'secret', owner);
    const both = parseKeyRing(`${oldLine}\n${newLine}\n`, 'test');
    expect(unseal(both, before, owner)).toBe('secret');
    expect(seal(both, 'secret', owner)).toMatch(/^new\./);
    expect(() => unseal(parseKeyRing(newLine, 'test'), before, owner)).toThrow('"old" is not in the key ring');
  });
});

describe('the key ring', () => {
  test.each(['', 'k1', 'k1:short', `k 1:${'A'.repeat(44)}`])('refuses %p without printing a key', (text) => {
    expect(() => parseKeyRing(text, 'BELAY_SECRETS_KEY')).toThrow(/^BELAY_SECRETS_KEY/);
  });

  test('is generated once for a home, for its owner only, also by several at once', async () => {
    const home = await mkdtemp(join(tmpdir(), 'belay-secrets-'));
    const config = { home, databaseUrl: null, secretsKey: null, secretsKeyFile: null };
    const [first, second] = await Promise.all([loadKeyRing(config), loadKeyRing(config)]);
    expect(unseal(second, seal(first, 'secret', owner), owner)).toBe('secret');
    expect((await stat(join(home, 'secrets.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(home)).toEqual(['secrets.key']);
    const ofWorker = await loadKeyRing({ ...config, databaseUrl: 'postgres://127.0.0.1/belay' });
    expect(unseal(ofWorker, seal(first, 'secret', owner), owner)).toBe('secret');
    await rm(home, { recursive: true });
  });

  test('must be given where the database outlives the home', async () => {
    const home = join(tmpdir(), 'belay-no-such-home');
    const config = { home, databaseUrl: 'postgres://db/belay', secretsKey: null, secretsKeyFile: null };
    await expect(loadKeyRing(config)).rejects.toThrow('BELAY_SECRETS_KEY is unset');
  });
});
