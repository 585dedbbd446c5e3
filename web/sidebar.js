// The conversations at the side: open, search, rename, delete, and all of them to a file and back.

import { isRunning } from './answers.js';
import { button } from './code.js';
import { rename, shownMessages } from './conversation.js';
import * as store from './store.js';

const $ = (id) => document.getElementById(id);
let page = null; // {current(), open(conversation), removed(conversation), say(text), redraw()}
let drawnAs = ''; // what the rows show: they are drawn again only when that changes, so that the focus stays

const titleOf = (conversation) => conversation.title || 'New conversation';

function fits(conversation, words) {
  const text = [conversation.title, ...conversation.messages.map((message) => message.content)].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

function rowOf(conversation) {
  const row = document.createElement('div');
  row.className = 'conversation';
  row.setAttribute('aria-current', String(conversation === page.current()));
  row.classList.toggle('running', isRunning(conversation));
  const open = button(titleOf(conversation), () => page.open(conversation));
  open.className = 'open';
  open.title = titleOf(conversation);
  const edit = button('✎', () => renameInPlace(row, conversation), `Rename ${titleOf(conversation)}`);
  const remove = button('✕', () => removeAfterAsking(conversation), `Delete ${titleOf(conversation)}`);
  remove.className = 'delete';
  edit.className = 'rename';
  row.append(open, edit, remove);
  return row;
}

// Leaves a title alone that is being changed.
export function drawSidebar() {
  if ($('conversations').querySelector('input')) return;
  const words = $('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = store.conversations().filter((conversation) => fits(conversation, words));
  const key = JSON.stringify([words, page.current().id, found.map((c) => [c.id, c.title, isRunning(c)])]);
  if (key === drawnAs) return;
  drawnAs = key;
  const rows = found.map(rowOf);
  if (rows.length === 0 && words.length > 0) {
    const nothing = document.createElement('p');
    nothing.className = 'quiet';
    nothing.textContent = 'Nothing found.';
    rows.push(nothing);
  }
  $('conversations').replaceChildren(...rows);
}

function renameInPlace(row, conversation) {
  const field = document.createElement('input');
  field.value = conversation.title;
  field.maxLength = 200;
  field.setAttribute('aria-label', 'Title');
  let isOpen = true;
  const end = (title) => {
    if (!isOpen) return;
    isOpen = false; // taking the field away blurs it
    field.remove();
    if (title) {
      rename(conversation, title);
      store.save(conversation);
    }
    page.redraw();
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') end(field.value.trim());
    else if (event.key === 'Escape') end('');
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  field.addEventListener('blur', () => end(field.value.trim()));
  row.replaceChildren(field);
  drawnAs = '';
  field.select();
}

function removeAfterAsking(conversation) {
  const n = shownMessages(conversation).length;
  if (!confirm(`Delete "${titleOf(conversation)}" with its ${n} messages?`)) return;
  store.remove(conversation);
  page.removed(conversation);
}

function exportAll() {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([store.exportText()], { type: 'application/json' }));
  link.download = `tiny-llm-conversations-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function importFile() {
  const [file] = $('import-file').files;
  if (!file) return;
  const { read, kept } = store.importText(await file.text());
  $('import-file').value = ''; // the same file can be chosen again
  if (!kept) page.say('The browser has no room for all of these conversations.');
  else page.say(read > 0 ? `${read} conversations imported.` : `${file.name} holds no conversations of this page.`);
  page.redraw();
}

export function openSidebar(isOpen) {
  document.body.classList.toggle('side-open', isOpen);
  $('open-sidebar').setAttribute('aria-expanded', String(isOpen));
}

export function initSidebar(thePage) {
  page = thePage;
  $('search').addEventListener('input', drawSidebar);
  $('export').addEventListener('click', exportAll);
  $('import').addEventListener('click', () => $('import-file').click());
  $('import-file').addEventListener('change', importFile);
  $('open-sidebar').addEventListener('click', () => openSidebar(!document.body.classList.contains('side-open')));
  $('shade').addEventListener('click', () => openSidebar(false));
}
