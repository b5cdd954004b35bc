import { describe, expect, test } from '@jest/globals';
import { ConfigError, loadConfig, settings } from '../src/config.ts';

describe('the environment', () => {
  test('needs nothing: every setting has a default', () => {
    expect(loadConfig({})).toMatchObject({
      executionMode: 'live',
      databaseUrl: null,
      temporalAddress: null,
      temporalNamespace: 'default',
      logLevel: 'info',
    });
  });

  test('an empty value counts as unset', () => {
    expect(loadConfig({ DATABASE_URL: '', BELAY_LOG_LEVEL: '' })).toEqual(loadConfig({}));
  });

  test.each([
    ['true', 'live'],
    ['false', 'off'],
    ['True', 'live'],
  ])('EXECUTE_VIA_TS=%s means execution mode %s', (value, mode) => {
    expect(loadConfig({ EXECUTE_VIA_TS: value }).executionMode).toBe(mode);
  });

  test.each([
    [{ BELAY_EXECUTION_MODE: 'lve' }, 'BELAY_EXECUTION_MODE is "lve": it must be off, shadow or live. Correct it'],
    [{ TEMPORAL_ADDRESS: 'http://x' }, 'TEMPORAL_ADDRESS is "http://x": it must be host:port.'],
    [{ BELAY_HOEM: '/x' }, 'BELAY_HOEM is not a setting of Belay: did you mean BELAY_HOME?'],
    [{ EXECUTE_VIA_TS: 'true', BELAY_EXECUTION_MODE: 'off' }, 'they must agree. Unset EXECUTE_VIA_TS.'],
    [{ BELAY_SECRETS_KEY: 'a', BELAY_SECRETS_KEY_FILE: '/b' }, 'only one may say the key'],
  ])('%j is refused with variable, value, rule and fix', (env, message) => {
    expect(() => loadConfig(env)).toThrow(ConfigError);
    expect(() => loadConfig(env)).toThrow(message);
  });

  test('every problem is told at once, and a secret is not shown', () => {
    const refuse = () => loadConfig({ DATABASE_URL: 'mysql://root:hunter2@x', BELAY_LOG_LEVEL: 'loud' });
    expect(refuse).toThrow(/DATABASE_URL is a value that is not shown[^]*BELAY_LOG_LEVEL is "loud"/);
    expect(refuse).not.toThrow(/hunter2/);
  });

  test('every setting is documented', () => {
    for (const setting of settings) expect(setting.meaning.length).toBeGreaterThan(5);
  });
});
