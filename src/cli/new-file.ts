import { afterFailure } from '../lib/clean-up.ts'
import { namingErrors } from '../lib/output-error.ts'
import { createBeside } from '../lib/temporary-file.ts'

/** Writes a text file, which appears under its name only when it is complete. */
export async function writeNewFile(path: string, text: string, force: boolean): Promise<void> {
  const { temporary, commit, discard } = await createBeside(path, force)
  try {
    await namingErrors(path, temporary.handle.writeFile(text))
    await commit()
  } catch (error) {
    throw await afterFailure(error, discard)
  }
}
