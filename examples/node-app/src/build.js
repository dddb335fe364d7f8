// node build.js FROM TO: the site in TO, from the Markdown files in FROM.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { index, page } from './site.js';

const [from, to] = process.argv.slice(2);
const names = readdirSync(from).filter((name) => name.endsWith('.md'));
const pages = names.map((name) => page(readFileSync(join(from, name), 'utf8')));
mkdirSync(to, { recursive: true });
for (const { name, html } of pages) {
  writeFileSync(join(to, name), html);
}
writeFileSync(join(to, 'index.html'), index(pages));
console.log(`${pages.length} pages`);
