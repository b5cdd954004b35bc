import { createServer, type Socket } from 'node:net';

import {
  Server,
  ServerCredentials,
  status,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

/** A call ends with this gRPC status. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: status;

  constructor(code: status, details: string) {
    super(details);
    this.code = code;
  }
}

export function refused(code: status, details: string): Refused {
  return new Refused(code, details);
}

/** What grpc-js is told about any error: ours as they are, the rest as a fault of the broker. */
export function statusOf(error: unknown): { readonly code: status; readonly details: string } {
  if (error instanceof Refused) return { code: error.code, details: error.message };
  return { code: status.INTERNAL, details: error instanceof Error ? error.message : String(error) };
}

export interface Serving {
  readonly port: number;
  /** Cuts every connection where it is; the port stays open. */
  hangUp(): void;
  close(): Promise<void>;
}

/**
 * Serves one gRPC service on 127.0.0.1. We own the sockets, so that a connection can be cut as a network would.
 *
 * @throws Error when the port is taken
 */
export async function serve(
  port: number,
  service: ServiceDefinition,
  implementation: UntypedServiceImplementation,
): Promise<Serving> {
  const grpc = new Server({ 'grpc.max_receive_message_length': 4 * 1024 * 1024 });
  grpc.addService(service, implementation);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // A client that goes away without a word is none of our errors; its calls are cancelled by the close.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ port, host: '127.0.0.1' }, resolve);
  });
  const address = listener.address();
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    hangUp,
    close: async () => {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      hangUp();
      injector.destroy();
      grpc.forceShutdown();
      await closed;
    },
  };
}
