import { superviseNode } from '../src/embedded/node-process.ts';
import type { Part } from '../src/embedded/supervise.ts';

/** What the broker stamps: a quote came up, a deal was done. */
export type Stamped = 'quote' | 'deal';

/** A broker in a process of its own that tells when things happened to it. */
export interface BenchBroker {
  readonly address: string;
  readonly controlAddress: string;
  /** The next such moment from now on, in nanoseconds of the host's monotonic clock. */
  next(what: Stamped): Promise<bigint>;
  stop(): Promise<void>;
}

const accounts = JSON.stringify([{ login: 'BENCH', balance: '100000000' }]);

/** @throws Error with its last words when it does not start */
export async function startBroker(folder: string, root: string): Promise<BenchBroker> {
  const waiting: Record<Stamped, ((at: bigint) => void)[]> = { quote: [], deal: [] };
  const ports: string[] = [];
  const heard = (line: string) => {
    const [word = '', first = '', second = ''] = line.split(' ');
    if (word === 'ports') ports.push(first, second);
    if (word === 'quote' || word === 'deal') for (const tell of waiting[word].splice(0)) tell(BigInt(first));
  };
  const part: Part = await superviseNode({
    name: 'bench-broker',
    argv: ['bench/broker.ts', '--market', 'manual', '--state', folder, '--accounts', accounts],
    cwd: root,
    onEvent: () => undefined,
    onLine: (stream, line) => {
      if (stream === 'stdout') heard(line);
    },
    readyWhen: (line) => line === 'READY',
  });
  return {
    address: `127.0.0.1:${ports[0] ?? ''}`,
    controlAddress: `127.0.0.1:${ports[1] ?? ''}`,
    next: (what) => new Promise((resolve) => waiting[what].push(resolve)),
    stop: () => part.stop(),
  };
}
