import { status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';

import type { AccountRequest } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Account } from '../exchange/book.ts';
import type { CallName, Faults } from '../faults.ts';
import type { Venue } from '../venue.ts';
import { refused, statusOf } from './serving.ts';

/** How often each call came in: reads by method name, `Send` as a whole and per command as `Send.close`. */
export type CallCounts = Map<string, number>;

export function count(counts: CallCounts, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** @throws Refused (UNAUTHENTICATED) for an unknown login or a wrong password alike */
export function authenticated(venue: Venue, request: AccountRequest | undefined): Account {
  const account = venue.exchange.accounts.get(request?.login ?? '');
  if (account === undefined || account.password !== request?.password) {
    throw refused(status.UNAUTHENTICATED, 'unknown login or wrong password');
  }
  return account;
}

export interface CallDesk {
  readonly venue: Venue;
  readonly faults: Faults;
  readonly counts: CallCounts;
  /** Cuts all connections. */
  readonly hangUp: () => void;
}

/**
 * Takes one unary call through the faults: before it is carried out, carried out by `work`, after it.
 * A call that a fault swallowed is never answered; the client ends it.
 */
export async function takeCall<Request, Reply>(
  desk: CallDesk,
  call: ServerUnaryCall<Request, Reply>,
  reply: sendUnaryData<Reply>,
  { name, login, work }: { readonly name: CallName; readonly login: string; readonly work: () => Reply },
): Promise<void> {
  const gone = goneSignal(call);
  try {
    if (!(await letIn(desk, { name, login }, gone))) return;
    const value = work();
    if (await letOut(desk, { name, login }, gone)) reply(null, value);
  } catch (error) {
    // The edge of the process: every error becomes the status the client sees.
    reply(statusOf(error));
  }
}

/** Aborted when the client has ended the call or its connection is gone. */
export function goneSignal(call: { on(event: 'cancelled', listener: () => void): unknown }): AbortSignal {
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort());
  return gone.signal;
}

interface Incoming {
  readonly name: CallName;
  readonly login: string;
}

async function letIn({ faults, hangUp }: CallDesk, incoming: Incoming, gone: AbortSignal): Promise<boolean> {
  if (faults.strike('disconnect', incoming) !== null) {
    hangUp();
    return false;
  }
  if (faults.strike('fail-read', incoming) !== null) throw refused(status.UNAVAILABLE, 'the read failed');
  if (faults.strike('lose-request', incoming) !== null) return false;
  if (faults.strike('park-request', incoming) !== null && !(await faults.park(gone))) return false;
  const delay = faults.strike('delay-request', incoming);
  return delay === null || faults.delay(delay.ms, gone);
}

async function letOut({ faults }: CallDesk, incoming: Incoming, gone: AbortSignal): Promise<boolean> {
  if (faults.strike('lose-reply', incoming) !== null) return false;
  if (faults.strike('park-reply', incoming) !== null && !(await faults.park(gone))) return false;
  const delay = faults.strike('delay-reply', incoming);
  return delay === null || faults.delay(delay.ms, gone);
}
