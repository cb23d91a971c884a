/** A report as a single page that needs no network, no server and no other file. */
import { createHash } from 'node:crypto'
import type { ImageReport } from '../../image/public-types.ts'
import { pageFiles } from './page-files.ts'

/**
 * The page. It is the same for the same report and name.
 *
 * @param name of the image, for the heading
 */
export function htmlReport(report: ImageReport, name: string): string {
  const { script, style } = pageFiles()
  // Nothing may be loaded, and only this script may run: names in the image are not trusted.
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="diskwright inspect">
<title>${markupText(name)}</title>
<style>${style}</style>
</head>
<body>
<main><p>This page needs JavaScript to draw its report.</p></main>
<footer>Made by diskwright inspect.</footer>
<script type="application/json" id="report">${jsonText({ name, report })}</script>
<script>${script}</script>
</body>
</html>
`
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

const MARKUP: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function markupText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => MARKUP[character])
}

/** JSON that cannot start markup, and that old and new script engines read alike. */
function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
