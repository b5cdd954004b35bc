import { describe, expect, test } from '@jest/globals';

import { systemClock } from '../../src/clock.ts';
import { createRegistry, isUnsupported, platformConnectors } from '../../src/connectors/registry.ts';
import { InvariantViolated } from '../../src/domain/outcome.ts';
import { accountAt } from './simulated/support.ts';

const registry = createRegistry(platformConnectors({ clock: systemClock }));
const account = accountAt('127.0.0.1:1');

describe('the registry', () => {
  test('finds the connector of an account, also under the names of the seed', () => {
    const found = registry.connectorFor(account);
    expect(isUnsupported(found)).toBe(false);
    expect(found).toMatchObject({ platform: 'sim' });
    expect(registry.getConnector(account)).toBe(found);
    expect(registry.getPlatformConnector(account)).toBe(found);
  });

  test('answers an unsupported platform by its name', () => {
    const found = registry.connectorFor({ platform: 'fix44' });
    expect(found).toEqual({ kind: 'unsupported', platform: 'fix44' });
    expect(isUnsupported(found)).toBe(true);
  });

  test('tells what a platform can do', () => {
    expect(registry.supports('sim')).toMatchObject({ marginModes: ['HEDGING', 'NETTING'], missedPrices: 'ticks' });
    expect(registry.supports('constructor')).toBeNull();
  });

  test('refuses two connectors for one platform', () => {
    const twice = [...platformConnectors({ clock: systemClock }), ...platformConnectors({ clock: systemClock })];
    expect(() => createRegistry(twice)).toThrow(InvariantViolated);
  });

  test('the key of a session is made of its endpoint', () => {
    const found = registry.connectorFor(account);
    if (isUnsupported(found)) throw new Error('unsupported');
    expect(found.sessionKey(accountAt('127.0.0.1:4700'))).toBe('sim-127-0-0-1-4700');
    expect(found.sessionKey(accountAt('Sim.Example:4700'))).toBe('sim-sim-example-4700');
  });
});
