export const PORTABLE: readonly string[]
export function entryPoint(subpath: string): string
export function bundleForBrowser(entry: string): Promise<string>
export function bundleWithRollup(entry: string): Promise<readonly { code: string; fileName: string }[]>
export function bundleForNode(entries: Record<string, string>, outdir: string): Promise<void>
export function workerEntries(): Record<string, string>
export function nodeModulesIn(text: string): string[]
export function bundleSizes(
  subpaths?: readonly string[],
): Promise<{ subpath: string; minified: number; gzipped: number }[]>
