import { readFileSync } from 'node:fs'

/** The script and the style of the page, which the build puts beside the command. */
export function pageFiles(): { script: string; style: string } {
  const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
  return { script: read('page.js'), style: read('page.css') }
}
