// What `prestart`, `pretest` and the other pre-scripts run: makes node_modules fit the lock file and checks that Node
// can run our source. Plain JavaScript and Node's own modules only, for any Node that runs npm. Speaks on standard
// error: standard output belongs to the command that follows.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const modules = join(checkout, 'node_modules');
const stampFile = join(modules, '.belay-stamp');
const lock = join(modules, '.belay-installing');
const oldestNode = [22, 18];

if (!isCurrent()) await installOnce();
checkNode();

async function installOnce() {
  mkdirSync(modules, { recursive: true });
  await takeLock();
  try {
    // Another one may have installed while we waited.
    if (!isCurrent()) await install();
  } finally {
    releaseLock();
  }
}

async function install() {
  say('installing packages (first run or changed: about 30 s, 800 MB) …');
  const code = await npmInstall();
  if (code !== 0) {
    releaseLock();
    say(`npm install ended with code ${code}. Correct what it says above, then run the command again.`);
    process.exit(code);
  }
  // After the install: on another platform npm may have completed the lock file.
  writeFileSync(stampFile, stamp());
}

/** The npm that called us, so that nobody needs a second one on the PATH. */
function npmInstall() {
  const npm = process.env.npm_execpath;
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error'];
  const [command, argv] = npm === undefined ? ['npm', args] : [process.execPath, [npm, ...args]];
  const child = spawn(command, argv, { cwd: checkout, stdio: ['ignore', 2, 2] });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once('error', (error) => {
      say(`npm could not be started: ${error.message}`);
      resolve(1);
    });
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

function isCurrent() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp();
}

function stamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const name of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(checkout, name)));
  return hash.digest('hex');
}

/** `npm start` and `npm test` in one fresh checkout must not install into each other. */
async function takeLock() {
  for (let told = false; !placeLock();) {
    const owner = ownerOfLock();
    if (owner !== null && !isAlive(owner)) {
      removeStaleLock(owner);
      continue;
    }
    if (!told) say(`waiting for process ${owner ?? '?'}, which installs in this checkout …`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The folder appears with the pid in it, in one step. */
function placeLock() {
  const draft = `${lock}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  writeFileSync(join(draft, 'pid'), String(process.pid));
  try {
    renameSync(draft, lock);
    return true;
  } catch {
    rmSync(draft, { recursive: true, force: true });
    return false;
  }
}

/** Moved away in one step: emptied where it stands, it would already be another one's while we still remove it. */
function releaseLock() {
  const aside = `${lock}.released-${process.pid}`;
  renameSync(lock, aside);
  rmSync(aside, { recursive: true, force: true });
}

/** Of two that judge it stale, one moves it away; the other one's move fails or takes nothing that lives. */
function removeStaleLock(owner) {
  const aside = `${lock}.stale-${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  const moved = readPid(aside);
  if (moved !== owner) {
    try {
      renameSync(aside, lock);
      return;
    } catch {
      // A third one took the lock meanwhile: its claim stands.
    }
  }
  rmSync(aside, { recursive: true, force: true });
}

function ownerOfLock() {
  return readPid(lock);
}

function readPid(folder) {
  try {
    return Number(readFileSync(join(folder, 'pid'), 'utf8'));
  } catch {
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The script after us runs on the Node in node_modules where the platform has one, else on the computer's own. */
function checkNode() {
  const bundled = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  if (existsSync(bundled) || newEnough(process.versions.node)) return;
  say(
    `Node ${process.versions.node} is too old and there is no bundled one for ${process.platform}-${process.arch}: install Node ${oldestNode.join('.')} or newer (24 is best), then run the command again.`,
  );
  process.exit(1);
}

function newEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

function say(line) {
  process.stderr.write(`belay: ${line}\n`);
}
