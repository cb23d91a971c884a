/** @throws Error when npm fails */
export function ensureDependencies(): void
/** Compiles src/ to dist/ when that is older. Types are checked elsewhere. */
export function ensureBuild(): void
/** Generates the modules of src/ that are made of packages, when they are missing or out of date. */
export function ensureGenerated(): void
