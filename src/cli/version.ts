import { readFileSync } from 'node:fs'

/** Set by the bundler. */
declare const DISKWRIGHT_VERSION: string | undefined

/** The version of the package. */
export function version(): string {
  if (typeof DISKWRIGHT_VERSION === 'string') return DISKWRIGHT_VERSION
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
