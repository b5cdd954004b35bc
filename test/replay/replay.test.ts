import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { join } from 'node:path';
import { checkout } from '../support/checkout.ts';
import { savedHistories, type SavedHistory } from './histories.ts';
import { lives } from './lives.ts';

describe('the workflows of today', () => {
  let histories: readonly SavedHistory[];

  beforeAll(async () => {
    // The core would print every mismatch that the negative control provokes.
    const telemetryOptions = { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } };
    Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [], telemetryOptions });
    histories = await savedHistories();
  });

  test('replay every life that was ever recorded', async () => {
    const covered = new Set(histories.map(({ name }) => name.replace(/-\d+$/u, '')));
    expect([...covered].sort()).toEqual([...Object.keys(lives), 'session'].sort());
    expect(await failures(await bundle('workflows/index.ts'), histories)).toEqual([]);
  }, 60_000);

  test('are not mistaken for changed ones: with one step more, every recorded life fails', async () => {
    const failed = await failures(await bundle('test/replay/changed-workflow.ts'), histories);
    expect(failed.map(({ name }) => name)).toEqual(histories.map(({ name }) => name));
    for (const { error } of failed) expect(error).toBe('DeterminismViolationError');
  }, 60_000);

  test('are recorded with the flags of the SDK, without which a mismatch goes unnoticed', () => {
    for (const { history } of histories) {
      const completed = history.events?.flatMap(
        ({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes ?? [],
      );
      expect(completed?.some(({ sdkMetadata }) => (sdkMetadata?.coreUsedFlags?.length ?? 0) > 0)).toBe(true);
    }
  });
});

function bundle(workflows: string): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath: join(checkout, workflows), logger: new DefaultLogger('ERROR') });
}

interface Failure {
  readonly name: string;
  readonly error: string;
}

/** The histories that this bundle does not reproduce, and by which error. */
async function failures(
  workflowBundle: WorkflowBundleWithSourceMap,
  histories: readonly SavedHistory[],
): Promise<readonly Failure[]> {
  const failed: Failure[] = [];
  const replayed = histories.map(({ name, history }) => ({ workflowId: name, history }));
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, replayed)) {
    if (error !== undefined) failed.push({ name: workflowId, error: error.name });
  }
  return failed;
}
