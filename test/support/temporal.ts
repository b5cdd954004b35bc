/** The path of the `temporal` program that the global set-up found. */
export function temporalProgram(): string {
  const program = process.env['TEST_TEMPORAL_PROGRAM'];
  if (program === undefined)
    throw new Error('TEST_TEMPORAL_PROGRAM is not set: run the tests through Jest, whose global set-up finds it');
  return program;
}
