import type { MarkdownRenderer } from 'vitepress'
export function repositoryLinks(markdown: MarkdownRenderer): void
