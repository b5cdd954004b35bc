/** One way to get the program: its path, or why not. */
export type Attempt = { readonly path: string } | { readonly miss: string };
