import type { temporal } from '@temporalio/proto';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('histories', import.meta.url));

export type History = temporal.api.history.v1.IHistory;

export interface SavedHistory {
  /** Name of the life and number of its run. */
  readonly name: string;
  readonly history: History;
}

/** The histories kept in the checkout, by name. */
export async function savedHistories(): Promise<readonly SavedHistory[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (file) => {
      const history = historyFromJSON(JSON.parse(await readFile(`${folder}/${file}`, 'utf8')));
      return { name: file.replace(/\.json$/u, ''), history };
    }),
  );
}

export async function saveHistory({ name, history }: SavedHistory): Promise<void> {
  const scrubbed: unknown = JSON.parse(historyToJSON(history), withoutTraces);
  await writeFile(`${folder}/${name}.json`, `${JSON.stringify(scrubbed, null, 1)}\n`);
}

/** Stack traces and worker names tell of the machine that recorded, and replay needs neither. */
function withoutTraces(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return '';
  if (typeof value === 'string' && (key === 'identity' || key === 'lastWorkerIdentity')) return value.split('/')[0];
  return value;
}
