/** Versions of U-Boot: a year and a month. */

/** `2023.07`, with or without a `v` and what follows (`-rc1`, `+dfsg-1`). */
export const UBOOT_VERSION_PATTERN = /^v?(20\d\d)\.(0[1-9]|1[0-2])(?:[-+._~][\w.+~-]*)?$/

export interface UBootVersion {
  year: number
  month: number
}

/** @returns undefined when the text is none */
export function parseUBootVersion(text: string): UBootVersion | undefined {
  const [, year, month] = UBOOT_VERSION_PATTERN.exec(text) ?? []
  return year === undefined ? undefined : { year: Number(year), month: Number(month) }
}

export function formatUBootVersion({ year, month }: UBootVersion): string {
  return `${year}.${String(month).padStart(2, '0')}`
}

export function isBefore(a: UBootVersion, b: UBootVersion): boolean {
  return a.year < b.year || (a.year === b.year && a.month < b.month)
}
