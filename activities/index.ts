import { commandActivities, type CommandActivityDeps } from './command.activities.ts';
import { readActivities, type ReadActivityDeps } from './read.activities.ts';
import { recordActivities, type RecordActivityDeps } from './record.activities.ts';
import { sessionActivities, type SessionActivityDeps } from './session.activities.ts';

/** What an engine process runs: everything that is not a live link. */
export function createEngineActivities(deps: CommandActivityDeps & RecordActivityDeps & ReadActivityDeps) {
  return { ...commandActivities(deps), ...recordActivities(deps), ...readActivities(deps) };
}

/** What a market process runs: the live links, never a command. */
export function createMarketActivities(deps: SessionActivityDeps) {
  return sessionActivities(deps);
}

/** All activities by name, for the proxies. */
export type Activities = ReturnType<typeof createEngineActivities> & ReturnType<typeof createMarketActivities>;
