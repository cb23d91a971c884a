/** A reader gives the same, whatever pieces its input comes in. */
import { fingerprint, Violation } from './target.ts'

/** A size of pieces for an input. */
export function pieceSize(input: Uint8Array): number {
  return [1, 7, 64, 500, 512, 700, 4096][fingerprint(input) % 7]
}

/** @throws what the first has thrown; Violation when the second gives something else */
export async function expectSameResult(
  first: () => Promise<unknown>,
  second: () => Promise<unknown>,
): Promise<void> {
  const [one, other] = [await outcome(first), await outcome(second)]
  if (one.text !== other.text) {
    if (other.error !== undefined && one.error === undefined) throw other.error
    throw new Violation(
      `the pieces make a difference:\n${one.text.slice(0, 2000)}\n${other.text.slice(0, 2000)}`,
    )
  }
  if (one.error !== undefined) throw one.error
}

async function outcome(work: () => Promise<unknown>): Promise<{ text: string; error?: Error }> {
  try {
    return { text: JSON.stringify(await work()) }
  } catch (error) {
    // Damage is found before some byte, which depends on how many there were at once.
    return { text: String(error).replace(/before byte \d+|after \d+ compressed/, ''), error: error as Error }
  }
}
