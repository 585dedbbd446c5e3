// Blocks of code in answers: the language's name, Wrap and Copy above, coloured when the block is complete.

const { hljs } = window;

export function button(label, action, name = '') {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = label;
  if (name) element.setAttribute('aria-label', name);
  element.addEventListener('click', (event) => action(event.currentTarget));
  return element;
}

export async function copy(text, copyButton) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no clipboard over plain HTTP
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  copyButton.textContent = 'Copied';
  setTimeout(() => { copyButton.textContent = 'Copy'; }, 1200);
}

function languageOf(code) {
  return [...code.classList].find((name) => name.startsWith('language-'))?.slice(9) ?? '';
}

function wrap(pre, wrapButton) {
  wrapButton.setAttribute('aria-pressed', String(pre.classList.toggle('wrapped')));
}

// Puts the bar above every block of code in `element`.
export function dressCode(element, isComplete) {
  for (const pre of element.querySelectorAll('pre')) {
    const code = pre.querySelector('code') ?? pre;
    const language = languageOf(code);
    const text = code.textContent;
    const block = document.createElement('div');
    block.className = 'code';
    const bar = document.createElement('div');
    bar.className = 'code-bar';
    const label = document.createElement('span');
    label.className = 'language';
    label.textContent = language || 'text';
    const wrapButton = button('Wrap', (pressed) => wrap(pre, pressed), 'Wrap long lines');
    wrapButton.setAttribute('aria-pressed', 'false');
    const copyButton = button('Copy', (pressed) => copy(text, pressed));
    copyButton.className = 'copy';
    bar.append(label, wrapButton, copyButton);
    pre.replaceWith(block);
    block.append(bar, pre);
    // Not highlightElement(): it would read the class "language-c++" as C.
    if (isComplete && hljs.getLanguage(language)) code.innerHTML = hljs.highlight(text, { language, ignoreIllegals: true }).value;
  }
}
