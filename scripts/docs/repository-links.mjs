/** Links from pages to files of the repository that are no pages: sources, examples, the changelog. */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const { repository } = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
)
const HOME = repository?.url?.replace(/^git\+/, '').replace(/\.git$/, '')

/** A plugin of markdown-it: such a link leads to the repository, or is text when package.json names none. */
export function repositoryLinks(markdown) {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    for (const { children } of tokens) if (children) rewrite(children, env.relativePath)
  })
}

function rewrite(tokens, page) {
  for (let i = 0; i < tokens.length; i++) {
    const href = tokens[i].type === 'link_open' ? tokens[i].attrGet('href') : null
    if (href === null || /^(?:[a-z]+:|#|\/)/.test(href)) continue
    const path = posix.join('docs', posix.dirname(page), href)
    if (path.startsWith('docs/')) continue
    if (HOME !== undefined) tokens[i].attrSet('href', `${HOME}/blob/main/${path}`)
    else {
      const end = tokens.findIndex(({ type }, at) => at > i && type === 'link_close')
      tokens.splice(end, 1)
      tokens.splice(i, 1)
    }
  }
}
