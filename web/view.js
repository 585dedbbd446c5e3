// Messages on the screen. Markdown from the model is never trusted: marked makes HTML, DOMPurify cleans it, and the page's
// content security policy forbids what might still slip through.

import DOMPurify from './vendor/purify.js';

const { marked, hljs } = window;

marked.setOptions({ gfm: true, breaks: true });
DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer');
  }
});

function renderMarkdown(text) {
  // The line break: marked knows an unclosed code block only when its last line has ended.
  const clean = DOMPurify.sanitize(marked.parse(`${text}\n`), {
    USE_PROFILES: { html: true },
    FORBID_TAGS: ['style', 'form', 'input', 'button', 'textarea', 'select', 'iframe', 'img', 'audio', 'video'],
    FORBID_ATTR: ['style', 'id', 'name'],
  });
  const body = document.createElement('div');
  body.innerHTML = clean;
  return body;
}

function addCopyButton(pre) {
  const button = document.createElement('button');
  button.className = 'copy';
  button.type = 'button';
  button.textContent = 'Copy';
  const code = pre.textContent;
  button.addEventListener('click', () => copy(code, button));
  pre.append(button);
}

async function copy(text, button) {
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
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = 'Copy'; }, 1200);
}

// Fills `body` with an answer. Code is coloured when the answer is whole.
export function showAnswer(body, text, whole) {
  body.replaceChildren(...renderMarkdown(text).childNodes);
  if (!whole) return;
  for (const code of body.querySelectorAll('pre code')) {
    const language = [...code.classList].find((name) => name.startsWith('language-'))?.slice(9);
    if (language && hljs.getLanguage(language)) hljs.highlightBlock(code);
    addCopyButton(code.parentElement);
  }
}

function toolButton(label, action) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = label;
  button.addEventListener('click', (event) => action(event.currentTarget));
  return button;
}

// One message as an element. actions: {edit(), regenerate()}, absent while an answer is on its way.
export function messageElement(message, actions) {
  const element = document.createElement('article');
  element.className = `message ${message.role}`;
  const body = document.createElement('div');
  body.className = 'body';
  if (message.role === 'user') body.textContent = message.content;
  else showAnswer(body, message.content, true);
  element.append(body);
  if (message.error) {
    const error = document.createElement('p');
    error.className = 'error';
    error.setAttribute('role', 'alert');
    error.textContent = message.error;
    element.append(error);
  }
  const tools = document.createElement('div');
  tools.className = 'tools';
  if (message.content) tools.append(toolButton('Copy', (button) => copy(message.content, button)));
  if (actions.edit) tools.append(toolButton('Edit', actions.edit));
  if (actions.regenerate) tools.append(toolButton('Regenerate', actions.regenerate));
  element.append(tools);
  return element;
}

// Turns a message of the user into a text field; save(text) or nothing.
export function editInPlace(element, message, save, cancel) {
  const area = document.createElement('textarea');
  area.value = message.content;
  area.rows = Math.min(12, message.content.split('\n').length + 1);
  area.setAttribute('aria-label', 'Edit the message');
  const buttons = document.createElement('div');
  buttons.className = 'buttons';
  const send = toolButton('Send', () => save(area.value));
  send.className = 'main';
  buttons.append(toolButton('Cancel', cancel), send);
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      save(area.value);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      cancel();
    }
  });
  element.replaceChildren(area, buttons);
  area.focus();
}
