/** Options of esbuild for everything that this package ships as a bundle. */
import { fileURLToPath } from 'node:url'

const BUNDLE = {
  bundle: true,
  // Which packages are in it; their notices are written elsewhere.
  metafile: true,
  legalComments: 'none',
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
  logLevel: 'warning',
}

/** Modules that show up in stack traces: names stay. */
export const MODULES = {
  ...BUNDLE,
  // The module build of a package can be taken apart; its CommonJS build often cannot be bundled.
  mainFields: ['module', 'main'],
  minifyWhitespace: true,
  minifySyntax: true,
}

/** The script of a page, or of a worker that a page starts. */
export const PAGE_SCRIPT = {
  ...BUNDLE,
  platform: 'browser',
  format: 'iife',
  target: 'es2023',
  minify: true,
  write: false,
}
