import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { settings } from '../src/config.ts';
import { searchAttributeTypes } from '../src/embedded/dev-server-flags.ts';
import { checkout } from './support/checkout.ts';

type Condition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: Condition }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly network_mode?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = (path: string) => readFile(join(checkout, path), 'utf8');
const compose = parse(await text('docker-compose.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);

describe('docker-compose.yml', () => {
  test('names every part of the system', () => {
    const expected = [
      'postgres',
      'temporal-schema',
      'temporal',
      'temporal-namespace',
      'temporal-ui',
      'migrate',
      'simulator',
      'engine',
      'market',
    ];
    expect(Object.keys(compose.services).toSorted()).toEqual(expected.toSorted());
  });

  test.each(services)('%s waits only for what exists, and for health only where it is checked', (_name, service) => {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const found = compose.services[other];
      expect(found).toBeDefined();
      if (condition === 'service_healthy') expect(found?.healthcheck?.test.length).toBeGreaterThan(1);
      if (condition === 'service_completed_successfully') expect(found?.restart).toBe('on-failure');
    }
  });

  test('nothing waits for itself through others', () => {
    const reach = (name: string, seen: readonly string[]): void => {
      expect(seen).not.toContain(name);
      for (const other of Object.keys(compose.services[name]?.depends_on ?? {})) reach(other, [...seen, name]);
    };
    for (const [name] of services) reach(name, []);
  });

  test.each(ours)('%s gets only settings that the configuration knows', (_name, service) => {
    const known = settings.map((setting) => setting.name);
    expect(Object.keys(service.environment ?? {}).filter((name) => !known.includes(name))).toEqual([]);
  });

  test.each(ours)('%s runs a file that exists', (_name, service) => {
    const file = service.command?.[0] ?? 'no command';
    expect([file, existsSync(join(checkout, file))]).toEqual([file, true]);
  });

  test.each(services)('%s mounts files that exist and volumes that are named', (_name, service) => {
    for (const mount of service.volumes ?? []) {
      const source = mount.split(':')[0] ?? '';
      if (source.startsWith('./')) expect([source, existsSync(join(checkout, source))]).toEqual([source, true]);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });

  test.each(services)('%s is pinned, restarted, and published on the loopback at most', (_name, service) => {
    expect(service.build ?? service.image).toMatch(/^\.$|:\d+\.\d+/);
    expect(service.restart).toMatch(/^(unless-stopped|on-failure)$/);
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('the workers meet the simulator where it listens: on its loopback', () => {
    expect(compose.services['engine']?.network_mode).toBe('service:simulator');
    expect(compose.services['market']?.network_mode).toBe('service:simulator');
  });
});

describe('deploy', () => {
  test('the script makes every search attribute of the embedded server, with its type', async () => {
    const script = await text('deploy/temporal-namespace.sh');
    const keywords = (/for name in (.*); do/.exec(script)?.[1] ?? '').split(' ').map((name) => [name, 'Keyword']);
    const others = [...script.matchAll(/--name (\w+) --type (\w+)/g)].map(([, name, type]) => [name, type]);
    expect(Object.fromEntries([...keywords, ...others])).toEqual(searchAttributeTypes);
  });

  test('every dynamic setting is a list of values', async () => {
    const config = parse(await text('deploy/dynamicconfig.yaml')) as Record<string, readonly { value: unknown }[]>;
    for (const values of Object.values(config)) expect(values[0]?.value).toBeDefined();
    expect(config['matching.enableFairness']).toEqual([{ value: true }]);
  });
});

describe('the Dockerfile', () => {
  test('copies only what exists, is not root, and starts a process without npm', async () => {
    const lines = (await text('Dockerfile')).split('\n');
    const copied = lines.filter((line) => /^COPY (?!--)/.test(line)).flatMap((line) => line.split(' ').slice(1, -1));

    expect(copied.filter((path) => !existsSync(join(checkout, path)))).toEqual([]);
    expect(lines).toContain('USER node');
    expect(lines).toContain('ENTRYPOINT ["node"]');
    expect(lines.filter((line) => line.startsWith('FROM')).every((line) => line.includes('node:24-bookworm'))).toBe(
      true,
    );
  });
});
