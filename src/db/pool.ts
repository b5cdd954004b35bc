import pg from 'pg';
import { appRole } from './app-role.ts';

export type Pool = pg.Pool;

export interface PoolOptions {
  readonly url: string;
  /** Most connections at once; a claim that finds none free waits. */
  readonly connections?: number;
}

/**
 * A transaction that waits longer for a row, or rests longer while it holds one, is ended by the server. Every statement finds few
 * rows by key, so one plan serves all values; planning anew costs more than running it.
 */
const settings = [
  'lock_timeout=10s',
  'idle_in_transaction_session_timeout=15s',
  'plan_cache_mode=force_generic_plan',
  'jit=off',
];

/** Connections that send without waiting for the answer before, and that own none of the tables they write. */
export function createPool({ url, connections = 10 }: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    options: settings.map((setting) => `-c ${setting}`).join(' '),
    // A command after a quiet hour must not wait for a new connection, its log-in and its plans.
    idleTimeoutMillis: 0,
    pipeline: true,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, although its type does not say so
    onConnect: takeAppRole,
  });
  // A connection that dies, at rest or in the middle of a transaction, fails its queries and is replaced by the next one; an error
  // event that nobody listens to would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/**
 * Leaves the login's own rights behind.
 *
 * @throws Error when the connection could still switch a trigger off: as a superuser or as owner of the tables
 */
export async function takeAppRole(client: pg.ClientBase): Promise<void> {
  await client.query(
    `select set_config('role', rolname, false) from pg_roles where rolname = '${appRole}' and pg_has_role(oid, 'member')`,
  );
  const { rows } = await client.query<{ readonly too_mighty: boolean }>(
    `select r.rolsuper or coalesce(pg_has_role(c.relowner, 'member'), false) as too_mighty
     from pg_roles r left join pg_class c on c.oid = to_regclass('account') where r.rolname = current_user`,
  );
  if (rows[0]?.too_mighty !== false) {
    throw new Error(`database role: Belay must not own its tables or be superuser; let the login become "${appRole}"`);
  }
}
