/** The site of the documentation: `npm run docs`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type DefaultTheme } from 'vitepress'
import { slugOf } from '../../scripts/docs/slug.mjs'
import { repositoryLinks } from '../../scripts/docs/repository-links.mjs'

const DOCS = join(import.meta.dirname, '..')
const { version, description } = JSON.parse(readFileSync(join(DOCS, '../package.json'), 'utf8')) as {
  version: string
  description: string
}

/** The order of the pages of a part; others follow, in that of their names. */
const ORDER = [
  ...['debian', 'debian-arm64', 'nixos'].map((name) => `tutorial/${name}.md`),
  ...['description', 'commands', 'json-output', 'errors', 'sources', 'disks', 'boards'].map(
    (name) => `reference/${name}.md`,
  ),
  ...['why-each-byte', 'determinism', 'security', 'speed', 'limits'].map((name) => `explanation/${name}.md`),
  'architecture.md',
]

const PARTS = [
  { text: 'Tutorial', folders: ['tutorial'] },
  { text: 'How-to', folders: ['how-to'] },
  { text: 'Reference', folders: ['reference'] },
  { text: 'Explanation', folders: ['explanation', 'formats'], more: ['architecture.md'] },
]

const titleOf = (path: string) =>
  /^# (.*)$/m.exec(readFileSync(join(DOCS, path), 'utf8'))![1].replaceAll(/[`\\]/g, '')

function pagesIn(folder: string): string[] {
  if (!existsSync(join(DOCS, folder))) return []
  const names = readdirSync(join(DOCS, folder)).filter((name) => name.endsWith('.md') && name !== 'index.md')
  return names.map((name) => `${folder}/${name}`)
}

const rank = (path: string) => (ORDER.includes(path) ? ORDER.indexOf(path) : ORDER.length)
const itemsOf = (pages: string[]): DefaultTheme.SidebarItem[] =>
  pages
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((path) => ({ text: titleOf(path), link: `/${path.replace(/\.md$/, '')}` }))

/** The modules of the package; their pages are made by `npm run docs`. */
const LIBRARY = {
  text: 'The library',
  collapsed: true,
  items: [
    { text: 'diskwright', link: '/reference/api/' },
    ...itemsOf(pagesIn('reference/api').filter((path) => !path.endsWith('README.md'))),
  ],
}

const sidebar = PARTS.map(({ text, folders, more = [] }) => ({
  text,
  collapsed: false,
  items: [...itemsOf([...folders.flatMap(pagesIn), ...more]), ...(text === 'Reference' ? [LIBRARY] : [])],
})).filter(({ items }) => items.length > 0)

export default defineConfig({
  srcExclude: ['reference/api/README.md'],
  title: 'diskwright',
  description,
  lang: 'en',
  outDir: join(DOCS, '../release/docs'),
  cacheDir: join(DOCS, '../release/.vitepress'),
  // Pages work below any path, and from a folder that a web server knows nothing about.
  base: process.env.DOCS_BASE ?? '/',
  cleanUrls: false,
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: `${process.env.DOCS_BASE ?? '/'}icon.svg`, type: 'image/svg+xml' }]],
  markdown: {
    anchor: { slugify: slugOf },
    config: (markdown) => void markdown.use(repositoryLinks),
  },
  themeConfig: {
    logo: '/icon.svg',
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          // Pages that explain come before signatures.
          searchOptions: { boostDocument: (id: string) => (id.includes('/api/') ? 0.2 : 1) },
        },
      },
    },
    outline: { level: [2, 3] },
    sidebar,
    nav: sidebar.map(({ text, items }) => ({ text, link: items[0].link! })),
    footer: { message: `diskwright ${version}, MIT License` },
    docFooter: { prev: false, next: false },
  },
})
