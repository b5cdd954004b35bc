import { readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of this checkout. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** The folders that hold our production source. */
export const sourceFolders = ['workflows', 'activities', 'workers', 'src'] as const;

export interface SourceFile {
  /** From the root of the checkout. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file of ours below these folders; generated code is left out. */
export async function sourceFiles(folders: readonly string[] = sourceFolders): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  for (const folder of folders) {
    for (const name of await readdir(join(checkout, folder), { recursive: true })) {
      if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue;
      files.push({ path: join(folder, name), text: await readFile(join(checkout, folder, name), 'utf8') });
    }
  }
  return files;
}

/** Makes a folder elsewhere find our packages and our tools' settings. */
export async function borrowPackages(folder: string): Promise<void> {
  await symlink(join(checkout, 'node_modules'), join(folder, 'node_modules'));
}
