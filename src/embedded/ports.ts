import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const loopback = '127.0.0.1';

/** A free port on the loopback: `preferred` when nobody has it, else one the system picks. */
export async function freePort(preferred: number | null): Promise<number> {
  if (preferred !== null && (await canBind(preferred))) return preferred;
  return pickPort();
}

/** Whether somebody listens there now. */
export function answers(port: number, host = loopback): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const tell = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(1_000, () => tell(false));
    socket.once('connect', () => tell(true));
    socket.once('error', () => tell(false));
  });
}

/**
 * The port this data folder used before when it is still free, else the preferred one, else any; remembered, so that
 * bookmarks stay valid.
 */
export async function rememberedPort(home: string, name: string, preferred: number): Promise<number> {
  const known = await readPorts(home);
  const port = await freePort(known[name] ?? preferred);
  if (known[name] !== port) await rememberPort(home, name, port);
  return port;
}

const partsWithPorts = ['postgres', 'temporal', 'temporalUi', 'simulator', 'simulator-control'];
/** Below the ports that systems hand out by themselves, so that nobody takes one while its part is dead. */
const firstPort = 20_000;
const portRange = 12_000;

/**
 * Gives a throw-away data folder ports by our process id: those that a Belay prefers may be taken by one that starts while a part of
 * ours is dead.
 */
export async function choosePortsOfItsOwn(home: string): Promise<void> {
  for (const [index, name] of partsWithPorts.entries()) {
    await rememberedPort(home, name, firstPort + ((process.pid * partsWithPorts.length + index) % portRange));
  }
}

// Several parts of one process choose ports at the same time and share one file.
let writing: Promise<void> = Promise.resolve();

function rememberPort(home: string, name: string, port: number): Promise<void> {
  const write = async () => {
    const file = join(home, 'ports.json');
    await writeFile(`${file}.new`, JSON.stringify({ ...(await readPorts(home)), [name]: port }));
    await rename(`${file}.new`, file);
  };
  // A write that failed is told to its caller and does not stop the next.
  writing = writing.then(write, write);
  return writing;
}

async function readPorts(home: string): Promise<Readonly<Record<string, number>>> {
  try {
    const value: unknown = JSON.parse(await readFile(join(home, 'ports.json'), 'utf8'));
    const entries = Object.entries(value ?? {}).filter(([, port]) => Number.isInteger(port));
    return Object.fromEntries(entries);
  } catch {
    // Nothing remembered yet, or a half-written file of an older crash: any port will do.
    return {};
  }
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: loopback, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function pickPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: loopback, port: 0 }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
