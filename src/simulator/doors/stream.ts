import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { MessageInitShape } from '@bufbuild/protobuf';

import type { StreamEventSchema, StreamRequest } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Clock } from '../../clock.ts';
import type { FeedItem } from '../feed.ts';
import type { Venue } from '../venue.ts';
import { authenticated } from './calls.ts';
import { statusOf } from './serving.ts';
import { wireFacts, wireQuote } from './wire.ts';

type StreamEvent = MessageInitShape<typeof StreamEventSchema>;
export type StreamCall = ServerDuplexStream<StreamRequest, StreamEvent>;

const HEARTBEAT_MS = 1000;

/** A reader this far behind makes the market wait. */
const BEHIND = 500;

/** A reader this far behind, or one that makes the market wait for this long, is cut off; it catches up by reading. */
const TOO_FAR_BEHIND = 20_000;
const PATIENCE_MS = 2000;
const PATIENCE_STEP_MS = 5;

/** The live streams of all clients, and how far they are behind. */
export interface Streams {
  accept(call: StreamCall): void;
  /** Resolves when every reader has taken most of what it was sent; cuts off the ones that do not. */
  drained(): Promise<void>;
}

export interface StreamDeps {
  readonly venue: Venue;
  readonly clock: Clock;
  readonly listen: (listener: (item: FeedItem) => void) => () => void;
  readonly isHeld: () => boolean;
}

export function openStreams(deps: StreamDeps): Streams {
  const outlets = new Set<Outlet>();
  const behind = () => [...outlets].filter((outlet) => outlet.backlog() > BEHIND);
  return {
    accept: (call) => {
      const outlet = openOutlet(call);
      outlets.add(outlet);
      serveStream(deps, call, outlet, () => outlets.delete(outlet));
    },
    drained: async () => {
      const patience = deps.clock.monotonic() + PATIENCE_MS;
      while (behind().length > 0 && deps.clock.monotonic() < patience) await deps.clock.sleep(PATIENCE_STEP_MS);
      for (const outlet of behind()) outlet.cutOff();
    },
  };
}

/**
 * One client's stream. Each message of the client states its demand anew: the symbols replace the former ones (names the broker
 * does not list are never quoted), the accounts are added. A wrong password ends the stream.
 */
function serveStream(
  { venue, clock, listen, isHeld }: StreamDeps,
  call: StreamCall,
  outlet: Outlet,
  done: () => void,
): void {
  const logins = new Set<string>();
  let symbols = new Set<string>();

  const demand = (request: StreamRequest) => {
    for (const account of request.accounts) logins.add(authenticated(venue, account).login);
    const added = request.symbols.filter((symbol) => !symbols.has(symbol));
    symbols = new Set(request.symbols);
    for (const symbol of added) {
      const tick = venue.exchange.ticks.get(symbol);
      if (tick !== undefined) outlet.send({ event: { case: 'quote', value: wireQuote(tick) } });
    }
  };
  const stopListening = listen((item) => {
    if (item.kind === 'quote') {
      if (symbols.has(item.tick.symbol)) outlet.send({ event: { case: 'quote', value: wireQuote(item.tick) } });
      return;
    }
    const account = logins.has(item.login) ? venue.exchange.accounts.get(item.login) : undefined;
    if (account === undefined) return;
    outlet.send({ event: { case: 'facts', value: wireFacts(venue.exchange, account, item.changes) } });
  });
  const stopHeart = clock.every(HEARTBEAT_MS, () => {
    outlet.send({ event: { case: 'heartbeat', value: { time: venue.now(), marketHeld: isHeld() } } });
  });
  const end = () => {
    stopHeart();
    stopListening();
    done();
  };
  call.on('data', (request: StreamRequest) => {
    try {
      demand(request);
    } catch (error) {
      // The edge of the process: the client learns why its stream ends.
      end();
      call.emit('error', statusOf(error));
    }
  });
  call.on('end', () => {
    end();
    call.end();
  });
  call.on('cancelled', end);
  outlet.onCutOff(end);
}

/** Writes as fast as the reader takes; keeps a bounded rest. */
interface Outlet {
  send(event: StreamEvent): void;
  backlog(): number;
  cutOff(): void;
  onCutOff(action: () => void): void;
}

function openOutlet(call: StreamCall): Outlet {
  let waiting: StreamEvent[] = [];
  let writable = true;
  let open = true;
  let afterCut = () => {};

  const cutOff = () => {
    if (!open) return;
    open = false;
    waiting = [];
    afterCut();
    call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'the reader is too far behind' });
  };
  call.on('drain', () => {
    writable = true;
    let sent = 0;
    while (writable && open && sent < waiting.length) {
      const event = waiting[sent];
      sent += 1;
      if (event !== undefined) writable = call.write(event);
    }
    waiting = waiting.slice(sent);
  });
  return {
    send: (event) => {
      if (!open) return;
      if (writable) writable = call.write(event);
      else if (waiting.push(event) > TOO_FAR_BEHIND) cutOff();
    },
    backlog: () => waiting.length,
    cutOff,
    onCutOff: (action) => {
      afterCut = action;
    },
  };
}
