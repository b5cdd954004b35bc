import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { credentials, Metadata } from '@grpc/grpc-js';

import { ControlClient } from '../../../proto/belay/simulator/v1/service.ts';
import type { BookReply, Fault, StateReply } from '../../../proto/belay/simulator/v1/simulator_pb.js';

/** The real simulator as a process of its own, with its control port. */
export interface SimulatorProcess {
  readonly endpoint: string;
  quote(bid: string, ask: string, symbol?: string): Promise<void>;
  fault(fault: Partial<Omit<Fault, '$typeName' | '$unknown'>>): Promise<void>;
  clearFaults(): Promise<void>;
  book(login: string): Promise<BookReply>;
  state(): Promise<StateReply>;
  /** The trader at the terminal closes `lots` of a position. */
  traderCloses(login: string, positionId: string, lots: string): Promise<void>;
  kill(): Promise<void>;
}

interface Start {
  readonly port?: number;
  readonly state?: string;
}

export async function startSimulatorProcess({ port = 0, state }: Start = {}): Promise<SimulatorProcess> {
  const argv = ['src/simulator/main.ts', '--port', String(port), '--control-port', '0', '--market', 'manual'];
  const child = spawn('node', [...argv, ...(state === undefined ? [] : ['--state', state])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = await readyLine(child);
  const control = new ControlClient(`127.0.0.1:${address.controlPort}`, credentials.createInsecure());

  const ask = <Reply>(start: (metadata: Metadata, done: (error: unknown, reply?: Reply) => void) => unknown) =>
    new Promise<Reply>((resolve, reject) => {
      start(new Metadata(), (error, reply) => (reply === undefined ? reject(error) : resolve(reply)));
    });

  return {
    endpoint: `127.0.0.1:${address.port}`,
    quote: async (bid, ask_, symbol = 'EURUSD') => {
      await ask((metadata, done) => control.pushQuote({ symbol, bid, ask: ask_ }, metadata, {}, done));
    },
    fault: async (fault) => {
      await ask((metadata, done) => control.addFault(fault, metadata, {}, done));
    },
    clearFaults: async () => {
      await ask((metadata, done) => control.clearFaults({}, metadata, {}, done));
    },
    book: (login) => ask((metadata, done) => control.getBook({ login }, metadata, {}, done)),
    state: () => ask((metadata, done) => control.getState({}, metadata, {}, done)),
    traderCloses: async (login, positionId, lots) => {
      const request = {
        account: { login, password: 'sim' },
        command: { case: 'close', value: { positionId, lots } },
      } as const;
      await ask((metadata, done) => control.traderSend(request, metadata, {}, done));
    },
    kill: async () => {
      control.close();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function readyLine(child: ChildProcess): Promise<{ readonly port: number; readonly controlPort: number }> {
  if (child.stdout === null) throw new Error('the simulator has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) return JSON.parse(line) as { port: number; controlPort: number };
  }
  throw new Error('the simulator ended before it was ready');
}
