import type { OptionDefinition } from '../definitions.ts'

/** The names of an option: `-o`, `--output`. */
export function wordsOf({ short, long }: OptionDefinition): string[] {
  return short === undefined ? [long] : [short, long]
}

/** A word for a shell, in single quotes. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
