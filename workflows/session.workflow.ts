import { CancellationScope, continueAsNew, isCancellation, setHandler } from '@temporalio/workflow';
import { endSession, type SessionInput } from './contract.ts';
import { holdSession } from './proxies.ts';

/** Keeps one broker session alive on some market worker until it is ended. */
export async function session(input: SessionInput): Promise<void> {
  const link = new CancellationScope();
  let ended = false;
  setHandler(
    endSession,
    () => {
      ended = true;
      link.cancel();
    },
    { description: 'End this broker session for good' },
  );
  try {
    await link.run(() => holdSession.executeWithOptions({ summary: `quotes and facts of ${input.key}` }, [input]));
  } catch (error) {
    if (!ended || !isCancellation(error)) throw error;
  }
  if (!ended) await continueAsNew<typeof session>(input);
}
