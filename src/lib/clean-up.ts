/** Cleaning up after a failure, without losing sight of what failed. */

/**
 * Runs every step in order, also those behind one that fails.
 *
 * @throws the error of the first step that failed
 */
export async function runAll(...steps: readonly (() => Promise<unknown> | undefined)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}

/**
 * Cleans up after `error`, which stays the one that is reported: an error of the clean-up becomes its property
 * `cleanUpError`.
 *
 * @returns `error`
 * @example
 * catch (error) {
 *   throw await afterFailure(error, () => output.abort())
 * }
 */
export async function afterFailure(error: unknown, cleanUp: () => Promise<unknown>): Promise<unknown> {
  try {
    await cleanUp()
  } catch (cleanUpError) {
    if (error instanceof Error && cleanUpError !== error && Object.isExtensible(error)) {
      Object.assign(error, { cleanUpError })
    }
  }
  return error
}
