/** What must be known of kinds of sources before a description is checked: this loads no schema. */

/** Kinds that only a program can give; JSON has none of them. */
export const PROGRAM_KINDS: readonly string[] = ['entries', 'zenfs']

/** Kinds for which the file `-` is standard input. */
export const STANDARD_INPUT_KINDS: readonly string[] = ['tar', 'nar', 'oci']
