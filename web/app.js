// The chat page: wires the server (api.js), the browser's memory (store.js) and the screen (view.js) together.

import * as api from './api.js';
import * as engine from './engine.js';
import * as store from './store.js';
import { editInPlace, messageElement, showAnswer } from './view.js';

const $ = (id) => document.getElementById(id);
const state = { current: store.create(), answering: null, maxTokens: 0 };

// ---- the screen -----------------------------------------------------------------------------------------------------

function drawSidebar() {
  $('conversations').replaceChildren(...store.conversations.map((conversation) => {
    const row = document.createElement('div');
    row.className = 'conversation';
    row.setAttribute('aria-current', String(conversation === state.current));
    const open = document.createElement('button');
    open.className = 'open';
    open.textContent = conversation.title || 'New conversation';
    open.addEventListener('click', () => show(conversation));
    const remove = document.createElement('button');
    remove.className = 'delete';
    remove.textContent = '✕';
    remove.setAttribute('aria-label', `Delete ${conversation.title}`);
    remove.addEventListener('click', () => deleteConversation(conversation));
    row.append(open, remove);
    return row;
  }));
}

function drawMessages() {
  const { messages } = state.current;
  $('title').textContent = state.current.title || 'New conversation';
  $('messages').replaceChildren(...messages.map((message, i) => {
    const actions = state.answering ? {} : {
      edit: message.role === 'user' ? () => edit(i) : null,
      regenerate: message.role === 'assistant' && i === messages.length - 1 ? () => regenerate(i) : null,
    };
    return messageElement(message, actions);
  }));
  if (messages.length === 0) {
    const hint = document.createElement('p');
    hint.className = 'empty';
    hint.textContent = 'Ask something. Enter sends, Shift+Enter breaks the line, Esc stops.';
    $('messages').append(hint);
  }
}

function drawContext() {
  const used = state.current.usedTokens;
  $('meter').hidden = !used || !state.maxTokens;
  $('context-meter').max = state.maxTokens;
  $('context-meter').high = state.maxTokens * 0.85;
  $('context-meter').value = used;
  $('context-text').textContent = `${used} / ${state.maxTokens}`;
}

function draw() {
  drawSidebar();
  drawMessages();
  drawContext();
  $('send').hidden = Boolean(state.answering);
  $('stop').hidden = !state.answering;
}

const atBottom = () => $('messages').scrollHeight - $('messages').scrollTop - $('messages').clientHeight < 60;
function toBottom() { $('messages').scrollTop = $('messages').scrollHeight; }

function show(conversation) {
  stop();
  state.current = conversation;
  closeSidebar();
  draw();
  toBottom();
  $('speed').textContent = '';
  $('input').focus();
}

// ---- talking --------------------------------------------------------------------------------------------------------

// Small models lose the thread at the API's default temperature of 1.
const DEFAULTS = { temperature: 0.3, top_p: 0.9 };

// What the server is asked for besides the messages.
function parameters() {
  const chosen = { ...DEFAULTS };
  for (const name of ['temperature', 'top_p', 'seed', 'max_tokens']) {
    const value = store.settings[name];
    if (value !== undefined && value !== '') chosen[name] = Number(value);
  }
  return chosen;
}

function prompt(conversation) {
  const messages = conversation.messages
    .filter((message) => message.content)
    .map(({ role, content }) => ({ role, content }));
  const { system } = store.settings;
  return system ? [{ role: 'system', content: system }, ...messages] : messages;
}

async function answer() {
  const conversation = state.current;
  const messages = prompt(conversation);
  const message = { role: 'assistant', content: '' };
  conversation.messages.push(message);
  const controller = new AbortController();
  state.answering = controller;
  store.touch(conversation);
  draw();
  const element = $('messages').lastElementChild;
  const body = element.querySelector('.body');
  body.classList.add('waiting');
  toBottom();
  const painter = makePainter(body, message);
  const started = performance.now();
  let first = 0;
  try {
    for await (const piece of api.chat(messages, parameters(), store.settings.api_key, controller.signal)) {
      if (piece.text) {
        first ||= performance.now();
        message.content += piece.text;
        painter.ask();
      } else {
        finish(conversation, piece, started, first);
      }
    }
  } catch (error) {
    if (error.name !== 'AbortError') message.error = error.message;
    if (error.status === 401) openSettings('api_key');
  } finally {
    painter.end();
    if (!message.content && !message.error) conversation.messages.pop();
    if (state.answering === controller) state.answering = null;
    store.save();
    if (state.current === conversation) draw();
  }
}

function finish(conversation, { finish: reason, usage }, started, first) {
  if (reason === 'length') {
    conversation.messages.at(-1).error = 'The answer was cut: the length limit or the end of the context.';
  }
  if (!usage) return;
  conversation.usedTokens = usage.prompt_tokens + usage.completion_tokens;
  const seconds = (performance.now() - first) / 1000;
  const speed = usage.completion_tokens > 1 && seconds > 0 ? `${((usage.completion_tokens - 1) / seconds).toFixed(1)} tok/s, ` : '';
  $('speed').textContent = `${speed}first after ${((first - started) / 1000).toFixed(2)} s`;
}

// Redraws an answer at most once a frame, and keeps the view at its end unless the reader has scrolled up.
function makePainter(body, message) {
  let frame = 0;
  const paint = () => {
    frame = 0;
    const follow = atBottom();
    body.classList.remove('waiting');
    showAnswer(body, message.content, false);
    if (follow) toBottom();
  };
  return {
    ask() { frame ||= requestAnimationFrame(paint); },
    end() { cancelAnimationFrame(frame); },
  };
}

function send(text) {
  if (!text.trim() || state.answering) return;
  state.current.messages.push({ role: 'user', content: text });
  answer();
}

function stop() {
  state.answering?.abort();
  state.answering = null;
}

function regenerate(i) {
  state.current.messages.length = i;
  answer();
}

function edit(i) {
  const message = state.current.messages[i];
  editInPlace($('messages').children[i], message, (text) => {
    if (!text.trim()) return;
    state.current.messages.length = i;
    send(text);
  }, drawMessages);
}

function deleteConversation(conversation) {
  if (!confirm(`Delete "${conversation.title}"?`)) return;
  store.remove(conversation);
  if (conversation === state.current) show(store.create());
  else drawSidebar();
}

// ---- settings, sidebar, keys ----------------------------------------------------------------------------------------

function applyTheme() {
  document.documentElement.dataset.theme = store.settings.theme || '';
}

function openSettings(field) {
  const form = $('settings').querySelector('form');
  for (const element of form.elements) {
    if (element.name) element.value = store.settings[element.name] ?? '';
  }
  $('settings').showModal();
  if (field) form.elements[field].focus();
}

$('settings').addEventListener('close', () => {
  if ($('settings').returnValue !== 'save') return;
  const values = Object.fromEntries(new FormData($('settings').querySelector('form')));
  store.saveSettings(Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')));
  applyTheme();
  loadModel();
});

function closeSidebar() {
  document.body.classList.remove('side-open');
  $('open-sidebar').setAttribute('aria-expanded', 'false');
}

async function loadModel() {
  try {
    const model = await api.model(store.settings.api_key);
    state.maxTokens = model.max_model_len ?? 0;
    $('model').textContent = model.id;
    drawContext();
    engine.offer(Boolean(model.debug_views), () => store.settings.api_key);
  } catch (error) {
    $('model').textContent = error.message;
    if (error.status === 401) openSettings('api_key');
  }
}

function growInput() {
  $('input').style.height = 'auto';
  $('input').style.height = `${$('input').scrollHeight + 2}px`;
}

$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('input').value;
  if (!text.trim() || state.answering) return;
  $('input').value = '';
  growInput();
  send(text);
});
$('input').addEventListener('input', growInput);
$('input').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('composer').requestSubmit();
  }
});
$('stop').addEventListener('click', stop);
$('new-chat').addEventListener('click', () => show(store.create()));
$('open-settings').addEventListener('click', () => openSettings());
$('shade').addEventListener('click', closeSidebar);
$('open-sidebar').addEventListener('click', () => {
  const open = document.body.classList.toggle('side-open');
  $('open-sidebar').setAttribute('aria-expanded', String(open));
});
document.addEventListener('keydown', (event) => {
  const control = event.ctrlKey || event.metaKey;
  if (event.key === 'Escape' && state.answering) stop();
  else if (control && event.shiftKey && event.key.toLowerCase() === 'o') show(store.create());
  else if (control && event.key === ',') openSettings();
  else return;
  event.preventDefault();
});

applyTheme();
draw();
loadModel();
