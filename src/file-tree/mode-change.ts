/** Changes of permissions as chmod(1) takes them: octal digits, or clauses like `u+rwX,go=rX`. */

/** Octal digits, or clauses. */
export const MODE_CHANGE_PATTERN =
  /^(?:[0-7]{3,4}|[ugoa]*(?:[-+=](?:[ugo]|[rwxXst]*))+(?:,[ugoa]*(?:[-+=](?:[ugo]|[rwxXst]*))+)*)$/
const CLAUSE = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/
const OPERATION = /([-+=])([ugo]|[rwxXst]*)/g

const WHO: Record<string, number> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 }
const PERMISSION: Record<string, number> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 }
const SHIFT: Record<string, number> = { u: 6, g: 3, o: 0 }
const EXECUTE = 0o111
/** Directories keep these with `=`, as they pass them on to what is made in them. (mode_adjust in gnulib) */
const KEPT_BY_DIRECTORIES = 0o6000

/** The permissions, with setuid, setgid and sticky, that become of others. */
export type ModeChange = (mode: number, isDirectory: boolean) => number

/**
 * Parses a change. Without `u`, `g`, `o` or `a` a clause is for all, whatever the umask is.
 *
 * @returns undefined when the text is none
 */
export function parseModeChange(text: string): ModeChange | undefined {
  if (/^[0-7]{3,4}$/.test(text)) {
    const mode = parseInt(text, 8)
    return () => mode
  }
  const steps: ModeChange[] = []
  for (const clause of text.split(',')) {
    const match = CLAUSE.exec(clause)
    if (match === null) return undefined
    const [, who, operations] = match
    const affected = [...who].reduce((bits, letter) => bits | WHO[letter], 0) || WHO.a
    for (const [, operator, what] of operations.matchAll(OPERATION))
      steps.push(step(affected, operator, what))
  }
  return (mode, isDirectory) => steps.reduce((current, change) => change(current, isDirectory), mode)
}

function step(affected: number, operator: string, what: string): ModeChange {
  return (mode, isDirectory) => {
    const bits = bitsOf(what, mode, isDirectory) & affected
    if (operator === '+') return mode | bits
    if (operator === '-') return mode & ~bits
    const kept = isDirectory && !what.includes('s') ? KEPT_BY_DIRECTORIES : 0
    return (mode & ~(affected & ~kept)) | bits
  }
}

function bitsOf(what: string, mode: number, isDirectory: boolean): number {
  if (what in SHIFT) return ((mode >> SHIFT[what]) & 7) * EXECUTE
  let bits = 0
  for (const letter of what) {
    if (letter === 'X') bits |= isDirectory || (mode & EXECUTE) !== 0 ? EXECUTE : 0
    else bits |= PERMISSION[letter]
  }
  return bits
}
