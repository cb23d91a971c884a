/** @throws Error when npm fails */
export function ensureDependencies(): void
/** Compiles src/ to dist/ when that is older. Types are checked elsewhere. */
export function ensureBuild(): void
