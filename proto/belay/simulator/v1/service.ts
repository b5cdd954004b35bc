import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  makeClientConstructor,
  type CallOptions,
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type Metadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';

import * as pb from './simulator_pb.js';

type Shape<Desc> = Desc extends DescMessage ? MessageShape<Desc> : never;
type Init<Desc> = Desc extends DescMessage ? MessageInitShape<Desc> : never;

type Kind = 'unary' | 'server-stream' | 'duplex';

/** One gRPC method, typed by its messages. What is written may be a plain object, what is read is always a message. */
type Method<In extends DescMessage, Out extends DescMessage, How extends Kind> = MethodDefinition<
  MessageInitShape<In>,
  MessageInitShape<Out>
> & { readonly input: In; readonly output: Out; readonly how: How };

function method<In extends DescMessage, Out extends DescMessage, How extends Kind>(
  service: string,
  name: string,
  how: How,
  input: In,
  output: Out,
): Method<In, Out, How> {
  return {
    path: `/belay.simulator.v1.${service}/${name}`,
    originalName: name.charAt(0).toLowerCase() + name.slice(1),
    requestStream: how === 'duplex',
    responseStream: how !== 'unary',
    requestSerialize: (value) => bytes(input, value),
    requestDeserialize: (data) => fromBinary(input, data),
    responseSerialize: (value) => bytes(output, value),
    responseDeserialize: (data) => fromBinary(output, data),
    input,
    output,
    how,
  };
}

function bytes<Desc extends DescMessage>(schema: Desc, value: MessageInitShape<Desc>): Buffer {
  return Buffer.from(toBinary(schema, create(schema, value)));
}

const broker = <In extends DescMessage, Out extends DescMessage>(name: string, input: In, output: Out) =>
  method('Broker', name, 'unary', input, output);

const control = <In extends DescMessage, Out extends DescMessage>(name: string, input: In, output: Out) =>
  method('Control', name, 'unary', input, output);

/** What a client may do with one account, as grpc-js wants it. */
export const brokerService = {
  verify: broker('Verify', pb.AccountRequestSchema, pb.VerifyReplySchema),
  getSnapshot: broker('GetSnapshot', pb.AccountRequestSchema, pb.SnapshotReplySchema),
  getInstruments: broker('GetInstruments', pb.InstrumentsRequestSchema, pb.InstrumentsReplySchema),
  getQuote: broker('GetQuote', pb.QuoteRequestSchema, pb.QuoteReplySchema),
  getTicks: method('Broker', 'GetTicks', 'server-stream', pb.TicksRequestSchema, pb.QuoteReplySchema),
  getCandles: broker('GetCandles', pb.CandlesRequestSchema, pb.CandlesReplySchema),
  getOrders: broker('GetOrders', pb.HistoryRequestSchema, pb.OrdersReplySchema),
  getDeals: broker('GetDeals', pb.HistoryRequestSchema, pb.DealsReplySchema),
  getMargin: broker('GetMargin', pb.MarginRequestSchema, pb.MarginReplySchema),
  send: broker('Send', pb.SendRequestSchema, pb.SendReplySchema),
  stream: method('Broker', 'Stream', 'duplex', pb.StreamRequestSchema, pb.StreamEventSchema),
} as const;

/** Rehearsals: market, faults, the trader at the terminal. */
export const controlService = {
  getState: control('GetState', pb.StateRequestSchema, pb.StateReplySchema),
  holdMarket: control('HoldMarket', pb.HoldMarketRequestSchema, pb.StateReplySchema),
  releaseMarket: control('ReleaseMarket', pb.ReleaseMarketRequestSchema, pb.StateReplySchema),
  pushQuote: control('PushQuote', pb.PushQuoteRequestSchema, pb.QuoteReplySchema),
  addFault: control('AddFault', pb.FaultSchema, pb.FaultReplySchema),
  clearFaults: control('ClearFaults', pb.ClearFaultsRequestSchema, pb.FaultReplySchema),
  traderSend: control('TraderSend', pb.SendRequestSchema, pb.SendReplySchema),
  getBook: control('GetBook', pb.BookRequestSchema, pb.BookReplySchema),
  createAccount: control('CreateAccount', pb.CreateAccountRequestSchema, pb.CreateAccountReplySchema),
} as const;

type ClientMethod<M> =
  M extends Method<infer In, infer Out, infer How>
    ? {
        unary: (
          request: Init<In>,
          metadata: Metadata,
          options: CallOptions,
          done: (error: ServiceError | null, reply?: Shape<Out>) => void,
        ) => ClientUnaryCall;
        'server-stream': (
          request: Init<In>,
          metadata: Metadata,
          options: CallOptions,
        ) => ClientReadableStream<Shape<Out>>;
        duplex: (metadata: Metadata, options: CallOptions) => ClientDuplexStream<Init<In>, Shape<Out>>;
      }[How]
    : never;

type Handler<M> =
  M extends Method<infer In, infer Out, infer How>
    ? {
        unary: (call: ServerUnaryCall<Shape<In>, Init<Out>>, reply: sendUnaryData<Init<Out>>) => void;
        'server-stream': (call: ServerWritableStream<Shape<In>, Init<Out>>) => void;
        duplex: (call: ServerDuplexStream<Shape<In>, Init<Out>>) => void;
      }[How]
    : never;

type ClientOf<Service> = Client & { readonly [Name in keyof Service]: ClientMethod<Service[Name]> };
type HandlersOf<Service> = { readonly [Name in keyof Service]: Handler<Service[Name]> };

export type BrokerClient = ClientOf<typeof brokerService>;
export type ControlClient = ClientOf<typeof controlService>;

/** What a server of the service implements: `server.addService(brokerService, handlers)`. */
export type BrokerHandlers = HandlersOf<typeof brokerService>;
export type ControlHandlers = HandlersOf<typeof controlService>;

type Constructor<C> = new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>) => C;

// grpc-js builds the methods at run time, so their types can only be asserted here.
export const BrokerClient = makeClientConstructor(brokerService, 'Broker') as unknown as Constructor<BrokerClient>;
export const ControlClient = makeClientConstructor(controlService, 'Control') as unknown as Constructor<ControlClient>;
