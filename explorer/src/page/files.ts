/** Files that the user drops or chooses, with the folders they were in. */

/** By their paths; a dropped folder is in the paths of its files. */
export type ChosenFiles = Map<string, File>

/** Files and folders of a drop. */
export async function droppedFiles({ items }: DataTransfer): Promise<ChosenFiles> {
  // Entries must be asked for before the first wait.
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  const files: ChosenFiles = new Map()
  for (const entry of entries) await addEntry(entry, files)
  return files
}

async function addEntry(entry: FileSystemEntry, files: ChosenFiles): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    )
    files.set(entry.fullPath.slice(1), file)
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    // A hundred at a time, until there are none.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (some.length === 0) return
    for (const child of some) await addEntry(child, files)
  }
}

export function chosenFiles(list: FileList): ChosenFiles {
  return new Map([...list].map((file) => [file.webkitRelativePath || file.name, file]))
}
