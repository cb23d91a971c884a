/** Builds images of files that the page has. */
import { createSHA256 } from 'hash-wasm'
import { buildImage, planImage, SpecError } from '../../../src/browser/index.ts'
import type { Built, Calls, Plan } from '../protocol.ts'
import type { CallContext } from './context.ts'
import { blobPieces, deliver } from './save.ts'
import { createFile } from './storage.ts'

export async function plan(_: CallContext, ...[spec]: Parameters<Calls['plan']>): Promise<Plan> {
  try {
    return { plan: await planImage(spec), issues: [] }
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    return { plan: undefined, issues: error.issues.map(({ path, message }) => ({ path, message })) }
  }
}

export async function build(
  { signal, progress, finding }: CallContext,
  ...[{ spec, files, format, target }]: Parameters<Calls['build']>
): Promise<Built> {
  const output = await createFile()
  try {
    const result = await buildImage(spec, {
      ...{ output, format, files, signal, onFinding: finding },
      onProgress: progress,
      createScratch: createFile,
    })
    const image = await output.seal()
    const sha256 = await sha256Of(image, (done) =>
      progress({ step: 'computing SHA-256', done, total: image.size }),
    )
    const onBytes = (done: number) => progress({ step: 'saving', done, total: image.size })
    return { ...(await deliver(image, target, signal, onBytes)), result, sha256 }
  } catch (error) {
    await output.remove()
    throw error
  }
}

async function sha256Of(blob: Blob, onBytes: (done: number) => void): Promise<string> {
  const hash = await createSHA256()
  let done = 0
  for await (const piece of blobPieces(blob)) {
    hash.update(piece)
    onBytes((done += piece.length))
  }
  return hash.digest('hex')
}
