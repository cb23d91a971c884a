/** GitHub's own language service for workflows and actions. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { validate } from '@actions/languageservice'
import { build } from 'esbuild'
import { TextDocument } from 'vscode-languageserver-textdocument'

/** It is bundled, since it imports JSON in a way that Node does not accept. */
async function load(): Promise<typeof validate> {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-language-service-'))
  const outfile = join(folder, 'validate.mjs')
  try {
    await build({
      ...{ bundle: true, platform: 'node', format: 'esm', logLevel: 'error', outfile },
      stdin: {
        contents: "export { validate } from '@actions/languageservice'",
        resolveDir: import.meta.dirname,
      },
    })
    const module = (await import(pathToFileURL(outfile).href)) as { validate: typeof validate }
    return module.validate
  } finally {
    rmSync(folder, { recursive: true })
  }
}

let loaded: Promise<typeof validate> | undefined
let documents = 0

/** What it finds wrong, each with the line. */
export async function complaints(text: string, name: string): Promise<string[]> {
  loaded ??= load()
  // It keeps what it has parsed, by the name.
  const document = TextDocument.create(`file:///${documents++}/${name}`, 'yaml', 1, text)
  const found = await (await loaded)(document)
  return found.map(
    ({ message, range }) =>
      `${range.start.line + 1}: ${typeof message === 'string' ? message : message.value}`,
  )
}
