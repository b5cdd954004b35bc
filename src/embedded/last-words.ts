const important = /FATAL|PANIC|HINT|DETAIL|Error|error:/;

/** What a reader needs of a program's last words: its errors and hints, or the end of it when none is marked. */
export function importantLines(lastWords: string): string {
  const lines = lastWords.split('\n').filter((line) => line.trim() !== '');
  const marked = lines.filter((line) => important.test(line));
  return (marked.length > 0 ? marked : lines).slice(-8).join('\n');
}
