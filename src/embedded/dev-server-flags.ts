/** What the Temporal UI filters trades by; the same names as in the workflows' contract. */
export const searchAttributeTypes: Readonly<Record<string, 'Keyword' | 'Datetime'>> = {
  AccountId: 'Keyword',
  Platform: 'Keyword',
  Symbol: 'Keyword',
  Side: 'Keyword',
  TradeState: 'Keyword',
  Attention: 'Keyword',
  OpenedAt: 'Datetime',
};

/**
 * Settings without which the development server is several times slower than it can be: above 20 queue tasks a second
 * it answers signals late, and every timer and activity retry fires up to a second late, because it allows for clock
 * differences between hosts that a single host does not have.
 */
const dynamicConfig: Readonly<Record<string, string>> = {
  'history.timerProcessorMaxTimeShift': '"1ms"',
  'history.transferProcessorMaxPollRPS': '200',
  'history.timerProcessorMaxPollRPS': '200',
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
  'matching.enableFairness': 'true',
  'frontend.WorkflowPauseEnabled': 'true',
};

/** Flags of `temporal server start-dev` that every server of ours gets, embedded or in a test. */
export const devServerFlags: readonly string[] = [
  ...Object.entries(searchAttributeTypes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ...Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
  '--ui-disable-news-fetch',
];

/** For a server that keeps its state in a file: about twice the starts a second of the rollback journal. */
export const sqliteFlags: readonly string[] = [
  '--sqlite-pragma',
  'journal_mode=wal',
  '--sqlite-pragma',
  'synchronous=normal',
];
