import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { credentials, Metadata } from '@grpc/grpc-js';
import { ControlClient, controlService } from '../../proto/belay/simulator/v1/service.ts';

type Methods = typeof controlService;

/** The simulator's control port: its market, its faults, the trader at its terminal. Calls reject when it is away. */
export type Control = {
  readonly [Name in keyof Methods]: (
    request: MessageInitShape<Methods[Name]['input']>,
  ) => Promise<MessageShape<Methods[Name]['output']>>;
} & { close(): void };

const deadlineMs = 5_000;

/** `address` is the control port's `host:port`. `now` gives wall time for deadlines. */
export function createControl(address: string, now: () => number): Control {
  const client = new ControlClient(address, credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  const call = (name: keyof Methods) => (request: object) =>
    new Promise((resolve, reject) => {
      const answer = (error: Error | null, reply?: unknown) => (error === null ? resolve(reply) : reject(error));
      const options = { deadline: now() + deadlineMs };
      // The methods differ only in their messages, which the type above gives back to each.
      (client[name] as (request: object, metadata: Metadata, options: object, done: typeof answer) => unknown).call(
        client,
        request,
        new Metadata(),
        options,
        answer,
      );
    });
  const methods = Object.fromEntries(
    (Object.keys(controlService) as (keyof Methods)[]).map((name) => [name, call(name)]),
  );
  return { ...methods, close: () => client.close() } as unknown as Control;
}
