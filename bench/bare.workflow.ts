import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';

export const fire = defineUpdate<'queued', [number]>('fire');

const { close } = proxyActivities<{ close(nth: number): Promise<void> }>({
  startToCloseTimeout: '8 seconds',
  retry: { maximumAttempts: 1 },
});

/** The least a durable trade can be: a queue of fires, one activity for each, nothing decided and nothing recorded. */
export async function bare(levels: number): Promise<void> {
  const queue: number[] = [];
  setHandler(fire, (nth) => {
    queue.push(nth);
    return 'queued';
  });
  for (let done = 0; done < levels; done += 1) {
    await condition(() => queue.length > 0);
    await close(queue.shift() ?? -1);
  }
}
