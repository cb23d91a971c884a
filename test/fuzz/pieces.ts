/** A reader gives the same, whatever pieces its input comes in. */
import { fingerprint, Violation } from './target.ts'

/** A size of pieces for an input. */
export function pieceSize(input: Uint8Array): number {
  return [1, 7, 64, 500, 512, 700, 4096][fingerprint(input) % 7]
}

/**
 * @param isSameMessage whether the messages of errors have to be the same, too
 * @throws what the first has thrown; Violation when the second gives something else
 */
export async function expectSameResult(
  first: () => Promise<unknown>,
  second: () => Promise<unknown>,
  isSameMessage = true,
): Promise<void> {
  const [one, other] = [await outcome(first, isSameMessage), await outcome(second, isSameMessage)]
  if (one.text !== other.text) {
    throw new Violation(
      `the pieces make a difference:\n${one.text.slice(0, 2000)}\n${other.text.slice(0, 2000)}`,
    )
  }
  if (one.error !== undefined) throw one.error
}

async function outcome(
  work: () => Promise<unknown>,
  isSameMessage: boolean,
): Promise<{ text: string; error?: Error }> {
  try {
    return { text: JSON.stringify(await work()) }
  } catch (error) {
    return { text: isSameMessage ? String(error) : (error as Error).name, error: error as Error }
  }
}
