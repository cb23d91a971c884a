/** Room for what is made or decompressed here: files of the origin private file system, or memory where there is none. */
import { MemoryFile, type ScratchFile } from '../../../src/browser/index.ts'

const FOLDER = 'diskwright-explorer'

/** A new file. */
export interface StoredFile extends ScratchFile {
  /** What is in it, for others to read; nothing is written from now on. */
  seal(): Promise<Blob>
  /** Closes it, and frees the room. */
  remove(): Promise<void>
}

/** A file handle of a worker, which the types of TypeScript's library for pages lack. */
interface SyncHandle extends ScratchFile {
  flush(): void
  close(): void
}

let number = 0
/** This worker's own folder: another tab may be at work, too. */
let folder: Promise<FileSystemDirectoryHandle | undefined> | undefined
let ownName = ''

/** Files of a page that has been closed; those of one that is open are locked. */
export async function removeLeftOvers(): Promise<void> {
  try {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true })
    for await (const name of root.keys()) {
      await navigator.locks.request(`${FOLDER}/${name}`, { ifAvailable: true }, async (lock) => {
        if (lock !== null) await root.removeEntry(name, { recursive: true })
      })
    }
  } catch {
    // There is no such storage here: from a file, or in a private window.
  }
}

async function openFolder(): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true })
    ownName = crypto.randomUUID()
    // Held until the worker ends.
    await new Promise<void>((held) => {
      void navigator.locks.request(`${FOLDER}/${ownName}`, () => {
        held()
        return new Promise(() => undefined)
      })
    })
    return await root.getDirectoryHandle(ownName, { create: true })
  } catch {
    return undefined
  }
}

export async function createFile(): Promise<StoredFile> {
  const directory = await (folder ??= openFolder())
  if (directory === undefined) return memoryFile()
  const name = String(++number)
  const file = await directory.getFileHandle(name, { create: true })
  const handle = await (
    file as unknown as { createSyncAccessHandle(): Promise<SyncHandle> }
  ).createSyncAccessHandle()
  const remove = async () => {
    handle.close()
    await directory.removeEntry(name).catch(() => undefined)
  }
  return {
    read: (target, options) => handle.read(target, options),
    write: (bytes, options) => handle.write(bytes, options),
    truncate: (size) => handle.truncate(size),
    close: remove,
    remove,
    seal() {
      handle.flush()
      handle.close()
      return file.getFile()
    },
  }
}

function memoryFile(): StoredFile {
  const file = new MemoryFile()
  return Object.assign(file, {
    seal: () => Promise.resolve(file.blob()),
    remove: () => Promise.resolve(file.close()),
  })
}
