/** Brings a folder up to date while programs run from it and read it: no file is ever missing or half written. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { filesBelow } from './files-below.mjs'

/**
 * Gives a folder the files of another one, and no others. Files that are the same stay untouched.
 *
 * @param keeps tells of a path in the folder whether the file stays in any case
 */
export function replaceFolder(made, target, keeps = () => false) {
  const files = new Set(filesBelow(made))
  for (const file of files) replaceFile(join(target, file), readFileSync(join(made, file)))
  if (!existsSync(target)) return
  for (const file of filesBelow(target)) {
    if (!files.has(file) && !keeps(file)) rmSync(join(target, file), { force: true })
  }
}

/** Writes a file, unless it has this content. @param content bytes */
export function replaceFile(path, content) {
  if (existsSync(path) && readFileSync(path).equals(content)) return
  mkdirSync(dirname(path), { recursive: true })
  const part = `${path}.${process.pid}.part`
  writeFileSync(part, content)
  renameSync(part, path)
}
