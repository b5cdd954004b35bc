/** Stops what {@link import('./global-setup.ts')} started. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.belayTestServers?.stop();
}
