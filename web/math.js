// LaTeX in answers: $...$, $$...$$, \(...\) and \[...\], drawn by KaTeX, which is fetched when the first formula comes.

const KATEX = '/web/vendor/katex/';
const LONGEST = 2000; // characters of a formula; bounds the search for its end
let katex = null; // the promise of it

// In a line. As Pandoc has it, a dollar opens only before and closes only after a character that is no space, and no digit
// follows it: "$5 and $6" is money. Marks of code are never part of it.
const INLINE = [
  [new RegExp(`^\\$\\$([^$]{1,${LONGEST}})\\$\\$`), true],
  [/^\$(?![\s$])((?:\\[^\n]|[^\\$\n`])*(?:\\[^\n]|[^\\$\s`]))\$(?!\d)/, false],
  [new RegExp(`^\\\\\\(([^]{1,${LONGEST}}?)\\\\\\)`), false],
  [new RegExp(`^\\\\\\[([^]{1,${LONGEST}}?)\\\\\\]`), true],
];
const BLOCK = [
  new RegExp(`^ {0,3}\\$\\$([^$]{1,${LONGEST}})\\$\\$[ \\t]*(?:\\n|$)`),
  new RegExp(`^ {0,3}\\\\\\[([^]{1,${LONGEST}}?)\\\\\\][ \\t]*(?:\\n|$)`),
];

function escape(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

// The formula as it was written; drawMath() puts its picture there.
function renderer({ raw, tex, isDisplay }) {
  return `<span class="${isDisplay ? 'math display' : 'math'}" data-tex="${escape(tex)}">${escape(raw.trim())}</span>`;
}

// Extensions for marked.
export const mathExtensions = [
  {
    name: 'mathBlock', level: 'block', renderer,
    start(text) { // a later line of the paragraph that begins a formula
      const line = text.search(/\n {0,3}(?:\$\$|\\\[)/);
      return line < 0 ? undefined : line + 1;
    },
    tokenizer(text) {
      const found = BLOCK.map((pattern) => pattern.exec(text)).find(Boolean);
      return found && { type: 'mathBlock', raw: found[0], tex: found[1], isDisplay: true };
    },
  },
  {
    name: 'mathInline', level: 'inline', renderer,
    start: (text) => text.match(/\$|\\[([]/)?.index,
    tokenizer(text) {
      for (const [pattern, isDisplay] of INLINE) {
        const found = pattern.exec(text);
        if (found) return { type: 'mathInline', raw: found[0], tex: found[1], isDisplay };
      }
      const dollars = /^\$+/.exec(text)?.[0]; // all at once: marked would try everything else on each
      return dollars && { type: 'text', raw: dollars, text: dollars };
    },
  },
];

function addElement(name, attributes) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(name), attributes);
    element.addEventListener('load', resolve);
    element.addEventListener('error', reject);
    document.head.append(element);
  });
}

async function loadKatex() {
  await Promise.all([
    addElement('link', { rel: 'stylesheet', href: `${KATEX}katex.css` }),
    addElement('script', { src: `${KATEX}katex.js` }),
  ]);
  return window.katex;
}

// Draws the formulas in `element`. One that KaTeX cannot draw stays as it was written.
export async function drawMath(element) {
  const formulas = [...element.querySelectorAll('.math')];
  if (formulas.length === 0) return;
  let drawer;
  try {
    katex ??= loadKatex();
    drawer = await katex;
  } catch {
    katex = null; // the server is away: the next formula tries again
    return;
  }
  for (const formula of formulas) {
    const written = formula.textContent;
    try {
      const displayMode = formula.classList.contains('display');
      drawer.render(formula.dataset.tex, formula, { displayMode, trust: false, strict: false, maxSize: 50, maxExpand: 500 });
    } catch {
      formula.textContent = written;
      formula.classList.add('broken');
    }
  }
}
