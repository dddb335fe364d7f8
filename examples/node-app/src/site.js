import { marked } from 'marked';
import ms from 'ms';
import slugify from 'slugify';

const WORDS_PER_MINUTE = 200;

/** What a reader needs for the text, such as "2 minutes". */
export function readingTime(text) {
  const words = text.split(/\s+/).filter(Boolean).length;
  const minutes = Math.max(1, Math.ceil(words / WORDS_PER_MINUTE));
  return ms(minutes * 60_000, { long: true });
}

/** One page: its title is the first heading, its name follows from the title. */
export function page(markdown) {
  const heading = /^# (.+)$/m.exec(markdown);
  if (!heading) {
    throw new Error('a page needs a title: a line that starts with "# "');
  }
  const title = heading[1];
  return {
    title,
    name: `${slugify(title, { lower: true, strict: true })}.html`,
    html: `<!doctype html>\n<title>${title}</title>\n${marked.parse(markdown)}`
      + `<p>${readingTime(markdown)} to read</p>\n`,
  };
}

/** The page that leads to all the others, in the order of their titles. */
export function index(pages) {
  const sorted = [...pages].sort((a, b) => a.title.localeCompare(b.title));
  const items = sorted.map(({ name, title }) => `<li><a href="${name}">${title}</a></li>`);
  return `<!doctype html>\n<title>Handbook</title>\n<ul>\n${items.join('\n')}\n</ul>\n`;
}
