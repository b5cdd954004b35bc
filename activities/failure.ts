import { ApplicationFailure } from '@temporalio/common';
import { InvariantViolated } from '../src/domain/outcome.ts';

/** PostgreSQL's code for a broken constraint, and the one our triggers refuse with. */
const constraintCodes: ReadonlySet<unknown> = new Set(['23514', '23505', '23503']);

/**
 * The work, with a broken promise told as what it is: asking again cannot mend it. Everything else is retried.
 */
export async function invariantsNotRetried<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    // The edge to Temporal: only what a retry may mend passes as it is.
    if (!isBroken(error)) throw error;
    throw ApplicationFailure.create({
      message: error.message,
      type: 'InvariantViolated',
      nonRetryable: true,
      cause: error,
    });
  }
}

function isBroken(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error instanceof InvariantViolated || ('code' in error && constraintCodes.has(error.code));
}
