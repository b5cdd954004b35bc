import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import {
  credentials,
  Metadata,
  status,
  type ClientOptions,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';

import { BrokerClient, brokerService } from '../../../proto/belay/simulator/v1/service.ts';
import type {
  QuoteReply,
  StreamEventSchema,
  TicksRequestSchema,
} from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Clock } from '../../clock.ts';

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** One command or query is small; a larger one is a bug, not a request. */
const REQUEST_BYTES_MAX = 256 * 1024;

// No retry of any kind below this line, no proxy, no keepalive: deadlines and the stream's heartbeat find dead lines.
const channelOptions: ClientOptions = {
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': REQUEST_BYTES_MAX,
};

/** Texts by which the library says that a call of its own ended before it touched a connection. */
const neverStarted = ['No connection established', 'Channel closed before call started', 'Channel has been closed'];

type Methods = typeof brokerService;

/** The calls of one question and one answer. */
export type Question = {
  [Name in keyof Methods]: Methods[Name]['how'] extends 'unary' ? Name : never;
}[keyof Methods];
export type Asked<Name extends Question> = MessageInitShape<Methods[Name]['input']>;
export type Answer<Name extends Question> = MessageShape<Methods[Name]['output']>;

/** A call that ended without a readable reply. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly code: status;
  readonly details: string;
  /** Zero bytes of this call were written: proved, not guessed. */
  readonly unsent: boolean;

  constructor(code: status, details: string, unsent: boolean) {
    super(`${status[code]}: ${details}`);
    this.code = code;
    this.details = details;
    this.unsent = unsent;
  }

  static from(error: ServiceError): CallFailed {
    // A peer that answered left metadata; what it says about its own connections proves nothing about ours.
    const silentPeer = Object.keys(error.metadata?.getMap() ?? {}).length === 0;
    const unsent =
      error.code === status.UNAVAILABLE && silentPeer && neverStarted.some((text) => error.details.startsWith(text));
    return new CallFailed(error.code, error.details, unsent);
  }
}

/** The two-way call that carries quotes, facts and heartbeats. */
export type BrokerStream = ReturnType<BrokerClient['stream']>;
export type StreamMessage = MessageShape<typeof StreamEventSchema>;

/** Bytes to and from one simulated broker: one channel, a deadline on every call, no retry. */
export class BrokerChannel {
  readonly endpoint: string;
  readonly #clock: Clock;
  #client: BrokerClient;
  #closed = false;

  constructor(endpoint: string, clock: Clock) {
    this.endpoint = endpoint;
    this.#clock = clock;
    this.#client = connect(endpoint);
  }

  /** Whether a connection stands, waiting at most `withinMs` for one. */
  async ready(withinMs: number): Promise<boolean> {
    const client = this.#client;
    const startedAt = this.#clock.monotonic();
    const stands = await new Promise<boolean>((resolve) => {
      client.waitForReady(this.#deadline(withinMs), (error) => resolve(error === undefined || error === null));
    });
    const leftMs = withinMs - (this.#clock.monotonic() - startedAt);
    if (stands || this.#closed || client === this.#client || leftMs <= 0) return stands;
    return this.ready(leftMs);
  }

  /**
   * One unary call. It is started before this function returns, so nothing runs between a gate checked by the caller and
   * the hand-over to the library.
   *
   * @throws CallFailed
   */
  ask<Name extends Question>(name: Name, request: Asked<Name>, withinMs: number): Promise<Answer<Name>> {
    // The table's types are per name; the library wants one pair of them.
    const method = brokerService[name] as unknown as MethodDefinition<Asked<Name>, Answer<Name>>;
    const { path, requestSerialize, responseDeserialize } = method;
    const options = { deadline: this.#deadline(withinMs) };
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, reply?: Answer<Name>) => {
        if (reply !== undefined) resolve(reply);
        else reject(failureOf(error));
      };
      try {
        this.#client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          new Metadata(),
          options,
          done,
        );
      } catch (error) {
        // The library throws only before it starts a call: closed channel, bad argument.
        reject(new CallFailed(status.UNAVAILABLE, String(error), true));
      }
    });
  }

  /**
   * Hands every quote of the answer to `each`; resolves only when the broker said that it was complete.
   *
   * @throws CallFailed when the answer was cut short, and what `each` throws
   */
  ticks(request: MessageInitShape<typeof TicksRequestSchema>, withinMs: number, each: (quote: QuoteReply) => void) {
    return new Promise<void>((resolve, reject) => {
      let complete = false;
      const call = this.#client.getTicks(request, new Metadata(), { deadline: this.#deadline(withinMs) });
      call.on('data', (quote: QuoteReply) => {
        try {
          each(quote);
        } catch (error) {
          // Caught here because an event handler has no caller to throw to.
          call.cancel();
          reject(error);
        }
      });
      call.on('status', (ended) => (complete = ended.code === status.OK));
      call.on('end', () => {
        if (complete) resolve();
      });
      call.on('error', (error: ServiceError) => reject(CallFailed.from(error)));
    });
  }

  /** Opens the live stream. It has no deadline: its reader must notice silence. */
  stream(): BrokerStream {
    return this.#client.stream(new Metadata(), {});
  }

  /** Leaves a connection that may be dead at the other end. Calls under way keep it; new ones get a new one. */
  renew(): void {
    if (this.#closed) return;
    const old = this.#client;
    this.#client = connect(this.endpoint);
    old.close();
  }

  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  #deadline(withinMs: number): Date {
    return new Date(this.#clock.now() + withinMs);
  }
}

function connect(endpoint: string): BrokerClient {
  return new BrokerClient(endpoint, credentials.createInsecure(), channelOptions);
}

function failureOf(error: ServiceError | null): CallFailed {
  return error === null ? new CallFailed(status.INTERNAL, 'neither reply nor error', false) : CallFailed.from(error);
}
