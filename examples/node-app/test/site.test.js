import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { index, page, readingTime } from '../src/site.js';

test('a page is named after its title', () => {
  const { name, html } = page('# Who does what?\n\nSee *below*.\n');
  assert.equal(name, 'who-does-what.html');
  assert.match(html, /<em>below<\/em>/);
});

test('a page without a title is refused', () => {
  assert.throws(() => page('Just text\n'), /needs a title/);
});

test('long texts take longer', () => {
  assert.equal(readingTime('word '.repeat(10)), '1 minute');
  assert.equal(readingTime('word '.repeat(401)), '3 minutes');
});

test('the index is sorted', () => {
  const text = index([page('# Zebras'), page('# Apes')]);
  assert.ok(text.indexOf('Apes') < text.indexOf('Zebras'));
});

test('the image has the site that was built', () => {
  assert.ok(existsSync('dist/index.html'));
});
