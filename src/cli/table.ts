import Table from 'cli-table3';

const bare = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;

type Align = 'left' | 'right';

/** Column title and side; numbers stand on the right. */
export type Columns = readonly (readonly [title: string, align?: Align])[];

/** A table without lines, so that it can be cut and searched; `null` cells are a dash. */
export function table(columns: Columns, rows: readonly (readonly (string | number | null)[])[]): string {
  const drawn = new Table({
    head: columns.map(([title]) => title),
    colAligns: columns.map(([, align]) => align ?? 'left'),
    chars: bare,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  drawn.push(...rows.map((row) => row.map((cell) => (cell === null ? '–' : String(cell)))));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A moment of today's kind: `2026-01-31 18:00:00.123`, UTC. */
export function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}

/** For JSON: RFC 3339, `null` stays `null`. */
export function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
