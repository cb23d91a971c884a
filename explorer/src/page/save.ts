/** Where files that are made here go. */
import type { Saved, Target } from '../protocol.ts'

/** A picker that not all browsers have. */
type SavePicker = (options: { suggestedName: string }) => Promise<FileSystemFileHandle>

/**
 * Asks for the place of a file, where the browser can write to it as it grows. Else it is kept, and downloaded at the end.
 * To be called at once when the user has asked for the file.
 *
 * @returns undefined when the user has closed the dialog
 */
export async function chooseTarget(suggestedName: string): Promise<Target | undefined> {
  const picker = (window as { showSaveFilePicker?: SavePicker }).showSaveFilePicker
  if (picker === undefined) return { to: 'page' }
  try {
    return { to: 'picked', handle: await picker.call(window, { suggestedName }) }
  } catch (error) {
    if ((error as Error).name === 'AbortError') return undefined
    // Not allowed here, as in a frame of another page.
    return { to: 'page' }
  }
}

/** The addresses of files are given back after this time, in milliseconds: a download has begun by then. */
const KEEP_ADDRESS = 60_000

/** Downloads what the user has not chosen a place for. */
export function deliver({ file }: Saved, target: Target, name: string): void {
  if (target.to === 'picked' || file === undefined) return
  const address = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), KEEP_ADDRESS)
}
