// Markdown from the model is never trusted: marked makes HTML, DOMPurify cleans it, and the page's content security policy
// forbids what might still slip through. Nesting is bounded, and text that cannot be read as Markdown is shown as it is.

import { dressCode } from './code.js';
import { drawMath, mathExtensions } from './math.js';
import DOMPurify from './vendor/purify.js';

const { marked } = window;
const DEEPEST = 20; // quotes, lists or marks of text inside each other; what is deeper stays as it was written
const LONGEST = 2000; // characters between two marks of emphasis: each that opens is searched for its end

class ShallowTokenizer extends marked.Tokenizer {
  depth = 0;

  nested(read) {
    if (this.depth >= DEEPEST) return undefined; // not read as what it is: marked takes it as plain text
    this.depth += 1;
    try {
      return read();
    } finally {
      this.depth -= 1;
    }
  }

  blockquote(...text) { return this.nested(() => super.blockquote(...text)); }
  list(...text) { return this.nested(() => super.list(...text)); }
  emStrong(text, masked, before) { // masked: the same with links and code blanked, and what stands before it
    const near = masked.slice(masked.length - text.length).slice(0, LONGEST);
    return this.nested(() => super.emStrong(text.slice(0, LONGEST), near, before));
  }

  del(...text) { return this.nested(() => super.del(...text)); }
  link(...text) { return this.nested(() => super.link(...text)); }
  reflink(...text) { return this.nested(() => super.reflink(...text)); }
}

const renderer = {
  checkbox(isDone) { // a character, not a form's field, which the cleaning would remove
    return `<span class="task" role="img" aria-label="${isDone ? 'done' : 'to do'}">${isDone ? '☑' : '☐'}</span> `;
  },
};
marked.setOptions({ gfm: true, breaks: true, mangle: false, headerIds: false, tokenizer: new ShallowTokenizer() });
marked.use({ renderer, extensions: mathExtensions });

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer');
  }
});

function clean(html) {
  return DOMPurify.sanitize(html, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: ['style', 'form', 'input', 'button', 'textarea', 'select', 'iframe', 'img', 'audio', 'video'],
    FORBID_ATTR: ['style', 'id', 'name'],
    RETURN_DOM_FRAGMENT: true,
  });
}

// The text in blocks that can be drawn one by one: [{raw, tokens}, ...]. HTML may reach over the blocks that follow it: from
// the first on, all is one block.
function blocksOf(text) {
  const tokens = marked.lexer(`${text}\n`); // the line break: an unclosed block of code is seen only when its last line ended
  const html = tokens.findIndex((token) => token.type === 'html');
  const groups = (html < 0 ? tokens : tokens.slice(0, html)).filter((token) => token.type !== 'space').map((token) => [token]);
  if (html >= 0) groups.push(tokens.slice(html));
  const links = Object.keys(tokens.links).join();
  return groups.map((group) => ({
    raw: links + group.map((token) => token.raw).join(''),
    tokens: Object.assign(group, { links: tokens.links }),
  }));
}

function draw(block, isComplete) {
  const element = document.createElement('div');
  element.className = 'block';
  element.append(clean(marked.parser(block.tokens)));
  for (const table of element.querySelectorAll('table')) {
    const frame = document.createElement('div');
    frame.className = 'table';
    table.replaceWith(frame);
    frame.append(table);
  }
  dressCode(element, isComplete);
  drawMath(element);
  return element;
}

function plain(text) {
  const element = document.createElement('div');
  element.className = 'block plain';
  element.textContent = text;
  return element;
}

// Makes `body` show `text`. Blocks that are as they were stay untouched: only the last one of a growing answer is drawn again.
export function showMarkdown(body, text, isWhole) {
  try {
    const blocks = blocksOf(text);
    const old = body.shownBlocks ?? [];
    body.shownBlocks = blocks.map((block, i) => {
      const isComplete = isWhole || i < blocks.length - 1;
      const key = `${isComplete}${block.raw}`;
      return old[i]?.key === key ? old[i] : { key, element: draw(block, isComplete) };
    });
    body.shownBlocks.forEach(({ element }, i) => {
      if (i >= body.children.length) body.append(element);
      else if (body.children[i] !== element) body.children[i].replaceWith(element);
    });
    while (body.children.length > blocks.length) body.lastElementChild.remove();
  } catch (error) { // marked and KaTeX are not ours to vouch for; the talk goes on
    console.warn('The answer is shown as plain text:', error);
    body.shownBlocks = null;
    body.replaceChildren(plain(text));
  }
}
