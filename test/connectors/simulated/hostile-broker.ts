import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, Socket, type AddressInfo, type Server as TcpServer } from 'node:net';

import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, type status } from '@grpc/grpc-js';

import { brokerService, type BrokerHandlers } from '../../../proto/belay/simulator/v1/service.ts';

/** A broker that does what each test tells it to; what it was not told answers UNIMPLEMENTED. */
export interface HostileBroker {
  readonly endpoint: string;
  /** Drops every connection and answers nobody. */
  stop(): Promise<void>;
}

type Behaviour = { -readonly [Name in keyof BrokerHandlers]?: BrokerHandlers[Name] };

export async function startHostileBroker(behaviour: Behaviour, port = 0): Promise<HostileBroker> {
  const server = new Server({ 'grpc.max_receive_message_length': 1024 * 1024 });
  server.addService(brokerService, behaviour as never);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, found) =>
      error === null ? resolve(found) : reject(error),
    );
  });
  return {
    endpoint: `127.0.0.1:${bound}`,
    stop: async () => server.forceShutdown(),
  };
}

type Init<Message> = Message extends DescMessage ? MessageInitShape<Message> : never;
type Answered<Name extends keyof BrokerHandlers> = Init<(typeof brokerService)[Name]['output']>;

/** Answers every call of one method with `value`, or with what it makes of the request. */
export function answering<Name extends keyof BrokerHandlers>(
  value: Answered<Name> | ((request: never) => Answered<Name>),
): BrokerHandlers[Name] {
  const handler = (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>) =>
    reply(null, typeof value === 'function' ? value(call.request as never) : value);
  return handler as never;
}

/** Refuses every call of one method with a gRPC status. */
export function failing<Name extends keyof BrokerHandlers>(
  code: status,
  details = 'because the test says so',
): BrokerHandlers[Name] {
  const handler = (_call: unknown, reply: sendUnaryData<unknown>) => reply({ code, details });
  return handler as never;
}

/** Speaks HTTP/2, but what comes back is the test's own bytes. */
export async function startRawHttp2(answer: (stream: ServerHttp2Stream) => void): Promise<HostileBroker> {
  const server = createHttp2Server();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    answer(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** A line to a broker that can be frozen: connections stay open, nothing passes any more. */
export interface FreezableLine extends HostileBroker {
  /** Every connection there is now goes deaf and dumb for ever; new ones work. */
  freeze(): void;
  readonly connections: () => number;
}

export async function startFreezableLine(target: string): Promise<FreezableLine> {
  const [host, port] = target.split(':');
  const pairs: [Socket, Socket][] = [];
  const server: TcpServer = createTcpServer((near) => {
    const far = new Socket();
    far.connect(Number(port), host ?? '127.0.0.1');
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.pipe(far).pipe(near);
    pairs.push([near, far]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => pairs.length,
    freeze: () => {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
    },
    stop: async () => {
      for (const [near, far] of pairs) {
        near.destroy();
        far.destroy();
      }
      server.close();
    },
  };
}
