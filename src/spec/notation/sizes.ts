/**
 * Sizes as people write them: bytes, as a number or in digits, or a number of KiB, MiB, GiB or TiB. Units of
 * 1000 are left out on purpose: nobody can tell what `1M` was meant to be.
 */
export const SIZE_PATTERN = /^(?:\d+|\d+(?:\.\d+)? ?[KMGT]iB)$/

const UNITS: Record<string, number> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** Bytes of a size; undefined when it is none, or not a whole number of bytes below 2^53. */
export function parseSize(size: number | string): number | undefined {
  if (typeof size === 'number') return isSize(size) ? size : undefined
  if (!SIZE_PATTERN.test(size)) return undefined
  const unit = UNITS[size.slice(-3)]
  const bytes = unit === undefined ? Number(size) : Number(size.slice(0, -3)) * unit
  return isSize(bytes) ? bytes : undefined
}

function isSize(bytes: number): boolean {
  return Number.isSafeInteger(bytes) && bytes >= 0
}

/** The shortest exact spelling: `512MiB`, `1.5GiB`, else digits of bytes. `parseSize` takes it back. */
export function formatSize(bytes: number): string {
  for (const [unit, factor] of Object.entries(UNITS).reverse()) {
    const amount = bytes / factor
    if (amount >= 1 && Number.isInteger(amount * 4)) return `${amount}${unit}`
  }
  return String(bytes)
}
