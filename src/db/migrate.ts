import { MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import pg from 'pg';
import { ConfigError, configOfThisProcess } from '../config.ts';
import { entities } from './entities.ts';
import { migrationsList } from './migrations/index.ts';

/** Held on a connection of its own while migrating: MikroORM takes no lock, and several processes may start at once. */
const migrationLock = 6_201_401;

/** Brings the database to this version's schema; twice at once or twice in a row is the same as once. */
export async function migrate(databaseUrl: string): Promise<void> {
  const lock = new pg.Client({ connectionString: databaseUrl });
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [migrationLock]);
    await applyMigrations(databaseUrl);
  } finally {
    await lock.end();
  }
}

async function applyMigrations(databaseUrl: string): Promise<void> {
  const orm = await MikroORM.init({
    clientUrl: databaseUrl,
    entities: [...entities],
    extensions: [Migrator],
    migrations: { migrationsList, snapshot: false, tableName: 'belay_migrations' },
    logger: () => {},
  });
  try {
    await orm.migrator.up();
  } finally {
    await orm.close(true);
  }
}

/** `npm run db:migrate [URL]`: for a database of your own; the embedded one is migrated by `npm start`. */
if (import.meta.main) {
  const url = process.argv[2] ?? configOfThisProcess().databaseUrl;
  if (url === null)
    throw new ConfigError(
      'DATABASE_URL is unset: it names the database to migrate; set it or pass the address as the argument',
    );
  await migrate(url);
}
