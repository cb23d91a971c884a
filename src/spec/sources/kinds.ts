/** What must be known of kinds of sources before a description is checked: this loads no schema. */

/** Kinds that only a program can give; JSON has none of them. */
export const PROGRAM_KINDS: readonly string[] = ['entries', 'zenfs']

/** Kinds for which the file `-` is standard input. */
const STANDARD_INPUT_KINDS: readonly string[] = ['tar', 'nar', 'oci', 'send']

/** The kind of a source that reads standard input, which may not be checked yet; undefined: it reads none. */
export function standardInputKind(source: object | undefined): string | undefined {
  const values = (source ?? {}) as Record<string, unknown>
  return STANDARD_INPUT_KINDS.find((kind) => [values[kind]].flat().includes('-'))
}
