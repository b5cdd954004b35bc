import { sweepBook } from './proxies.ts';

/** One pass over the book that removes what is old, settled and delivered; started by a Schedule. */
export async function retention(): Promise<{ readonly events: number; readonly watches: number }> {
  return sweepBook.executeWithOptions({ summary: 'remove old events and watches' }, []);
}
