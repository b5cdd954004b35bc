import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { credentials, Metadata, status, type ClientUnaryCall, type ServiceError } from '@grpc/grpc-js';

import { systemClock } from '../../src/clock.ts';
import { BrokerClient, ControlClient } from '../../proto/belay/simulator/v1/service.ts';
import type { SendReply } from '../../proto/belay/simulator/v1/simulator_pb.js';

export const hedge = { login: 'SIM-HEDGE', password: 'sim' };

/** A client of both doors that promises instead of calling back. */
export interface Broker {
  readonly broker: BrokerClient;
  readonly control: ControlClient;
  readonly close: () => void;
}

export function dial({ port, controlPort }: { readonly port: number; readonly controlPort: number }): Broker {
  const insecure = credentials.createInsecure();
  const options = { 'grpc.enable_retries': 0 };
  const broker = new BrokerClient(`127.0.0.1:${port}`, insecure, options);
  const control = new ControlClient(`127.0.0.1:${controlPort}`, insecure, options);
  return {
    broker,
    control,
    close: () => {
      broker.close();
      control.close();
    },
  };
}

type Unary<Request, Reply> = (
  request: Request,
  metadata: Metadata,
  options: { deadline: number },
  done: (error: ServiceError | null, reply?: Reply) => void,
) => ClientUnaryCall;

/** Calls a method with a deadline of `ms`. */
export function ask<Request, Reply>(method: Unary<Request, Reply>, request: Request, ms = 5000): Promise<Reply> {
  return new Promise((resolve, reject) => {
    method(request, new Metadata(), { deadline: systemClock.now() + ms }, (error, reply) => {
      if (reply === undefined) reject(error ?? new Error('neither reply nor error'));
      else resolve(reply);
    });
  });
}

/** The name of the gRPC status a promise fails with. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  const code = error !== null && typeof error === 'object' && 'code' in error ? error.code : null;
  return typeof code === 'number' ? (status[code] ?? String(code)) : 'no failure';
}

export interface BuyOptions {
  readonly tag: number;
  readonly lots?: string;
  readonly writtenAt?: number;
  readonly commandId?: string;
  readonly ms?: number;
}

export function buy(
  { broker }: Broker,
  { tag, lots = '0.1', writtenAt = systemClock.now(), commandId = `c${tag}`, ms = 5000 }: BuyOptions,
): Promise<SendReply> {
  const command = { case: 'market', value: { symbol: 'EURUSD', side: 1, lots, stopLoss: '1.08' } } as const;
  return ask(broker.send.bind(broker), { account: hedge, tag, comment: 'mine', writtenAt, commandId, command }, ms);
}

export function closePosition(
  { broker }: Broker,
  positionId: string,
  lots: string,
  tag: number,
  ms = 5000,
): Promise<SendReply> {
  const command = { case: 'close', value: { positionId, lots } } as const;
  const envelope = { account: hedge, tag, comment: 'mine', writtenAt: systemClock.now(), commandId: `c${tag}` };
  return ask(broker.send.bind(broker), { ...envelope, command }, ms);
}

export const push = ({ control }: Broker, bid = '1.1', ask_ = '1.1001') =>
  ask(control.pushQuote.bind(control), { symbol: 'EURUSD', bid, ask: ask_ });

export const bookOf = ({ control }: Broker, login = hedge.login) => ask(control.getBook.bind(control), { login });

export const stateOf = ({ control }: Broker) => ask(control.getState.bind(control), {});

export const fault = (
  { control }: Broker,
  kind: string,
  more: { on?: string; times?: number; ms?: number; code?: string; login?: string } = {},
) => ask(control.addFault.bind(control), { kind, ...more });

export const clearFaults = ({ control }: Broker) => ask(control.clearFaults.bind(control), {});

export const dealsOf = ({ broker }: Broker, positionId: string) =>
  ask(broker.getDeals.bind(broker), { account: hedge, positionId });

/** Asks until the answer is as wanted. */
export async function until<T>(read: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  const deadline = systemClock.now() + 5000;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (systemClock.now() > deadline) throw new Error(`not reached: ${JSON.stringify(value)}`);
    await systemClock.sleep(5);
  }
}

export interface BrokerProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly controlPort: number;
}

/** Starts the broker as its own process and waits for READY; a process that ends first rejects with what it said. */
export async function startProcess(...args: string[]): Promise<BrokerProcess> {
  const child = spawn(process.execPath, ['src/simulator/main.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => (complaint += data.toString()));
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`exit ${String(code)}: ${complaint}`);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = await Promise.race([lines.next(), ended]);
  if (ready.value !== 'READY') return ended;
  ended.catch(() => {});
  const { value } = await lines.next();
  const { port, controlPort } = JSON.parse(value ?? '');
  return { child, port, controlPort };
}

export async function end({ child }: BrokerProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const closed = once(child, 'close');
  child.kill(signal);
  const [code] = await closed;
  return code;
}
