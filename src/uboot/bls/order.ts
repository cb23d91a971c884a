/** The order of systemd-boot's menu, and which entry it boots without a choice. */
import type { BootCounter } from './file-name.ts'

/** What the order goes by. */
export interface OrderedEntry {
  id: string
  counter: BootCounter | undefined
  sortKey?: string | undefined
  machineId?: string | undefined
  version?: string | undefined
}

/** Negative when `a` comes first. (config_entry_compare) */
export function compareEntries(a: OrderedEntry, b: OrderedEntry): number {
  const isBad = ({ counter }: OrderedEntry) => counter?.left === 0
  if (isBad(a) !== isBad(b)) return isBad(a) ? 1 : -1
  const hasNoKey = (entry: OrderedEntry) => entry.sortKey === undefined
  if (hasNoKey(a) !== hasNoKey(b)) return hasNoKey(a) ? 1 : -1
  if (a.sortKey !== undefined && b.sortKey !== undefined) {
    const order =
      compareText(a.sortKey, b.sortKey) ||
      compareText(a.machineId ?? '', b.machineId ?? '') ||
      -compareVersions(a.version ?? '', b.version ?? '')
    if (order !== 0) return order
  }
  const order = -compareVersions(a.id, b.id)
  if (order !== 0 || a.counter === undefined || b.counter === undefined) return order
  return b.counter.left - a.counter.left || a.counter.done - b.counter.done
}

/**
 * The entry that is booted without a choice: the first one of the menu that `default` matches, or the first one.
 *
 * @param entries in the order of the menu
 * @param wanted the value of `default`, a pattern of the shell
 */
export function defaultEntry<Entry extends OrderedEntry>(
  entries: readonly Entry[],
  wanted: string | undefined,
): Entry | undefined {
  if (wanted === undefined || wanted.startsWith('@')) return entries[0]
  return entries.find(({ id }) => matches(wanted, id)) ?? entries[0]
}

/** Whether a pattern with `*`, `?` and `[...]` matches an id, whatever the case. */
export function matches(pattern: string, id: string): boolean {
  const parts = partsOf(pattern.toLowerCase())
  const text = id.toLowerCase()
  let [at, part] = [0, 0]
  /** Where to go on when what follows the last `*` does not match: it then takes one more character. */
  let retry: { at: number; part: number } | undefined
  while (at < text.length) {
    if (parts[part] === '*') retry = { at, part: part++ }
    else if (part < parts.length && isOneOf(parts[part], text[at])) {
      at++
      part++
    } else if (retry === undefined) return false
    else {
      retry.at++
      at = retry.at
      part = retry.part + 1
    }
  }
  return parts.slice(part).every((rest) => rest === '*')
}

/** `*`, `?`, characters, and sets of characters. A `[` without an end is a character. */
function partsOf(pattern: string): string[] {
  return pattern.match(/\[!?[^\]]+\]|[^]/g) ?? []
}

function isOneOf(part: string, character: string): boolean {
  if (part === '?') return true
  if (part.length === 1) return part === character
  const isNegated = part[1] === '!'
  const set = part.slice(isNegated ? 2 : 1, -1)
  for (let i = 0; i < set.length; i++) {
    const isRange = set[i + 1] === '-' && i + 2 < set.length
    const last = isRange ? set[i + 2] : set[i]
    if (character >= set[i] && character <= last) return !isNegated
    if (isRange) i += 2
  }
  return isNegated
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const isDigit = (character: string | undefined) => character !== undefined && /[0-9]/.test(character)

/** Negative when version `a` is older. (UAPI version format specification; strverscmp_improved) */
export function compareVersions(a: string, b: string): number {
  // Other characters only separate.
  let left = a
  let right = b
  for (;;) {
    left = left.replace(/^[^0-9A-Za-z~\-^.]+/, '')
    right = right.replace(/^[^0-9A-Za-z~\-^.]+/, '')
    if (left.startsWith('~') || right.startsWith('~')) {
      const order = Number(!left.startsWith('~')) - Number(!right.startsWith('~'))
      if (order !== 0) return order
      left = left.slice(1)
      right = right.slice(1)
    }
    if (left === '' || right === '') return Number(left !== '') - Number(right !== '')
    for (const separator of ['-', '^', '.']) {
      if (!left.startsWith(separator) && !right.startsWith(separator)) continue
      const order = Number(!left.startsWith(separator)) - Number(!right.startsWith(separator))
      if (order !== 0) return order
      left = left.slice(1)
      right = right.slice(1)
    }
    const isNumber = isDigit(left[0]) || isDigit(right[0])
    const pattern = isNumber ? /^[0-9]*/ : /^[A-Za-z]*/
    const [one] = pattern.exec(left)!
    const [other] = pattern.exec(right)!
    const order = isNumber ? compareNumbers(one, other) : compareWords(one, other)
    if (order !== 0) return order
    left = left.slice(one.length)
    right = right.slice(other.length)
  }
}

/** A number is newer than none. */
function compareNumbers(a: string, b: string): number {
  if (a === '' || b === '') return Number(a !== '') - Number(b !== '')
  const one = a.replace(/^0+/, '')
  const other = b.replace(/^0+/, '')
  return one.length - other.length || compareText(one, other)
}

function compareWords(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  return compareText(a.slice(0, length), b.slice(0, length)) || a.length - b.length
}
