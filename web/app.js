// The chat page: wires the server, the answers on their way, the browser's memory and the screen together.

import * as answers from './answers.js';
import { askServer, watchServer } from './connection.js';
import { add, choose, create, shownMessages } from './conversation.js';
import * as engine from './engine.js';
import { drawMessages, editInPlace, elementOf, showText } from './messages.js';
import { apiKey, openSettings, showDefaults, watchSettings } from './settings.js';
import { drawSidebar, initSidebar, openSidebar } from './sidebar.js';
import * as store from './store.js';
import { offerTools } from './tools.js';

const $ = (id) => document.getElementById(id);
const state = { current: create(), server: 'unknown', maxTokens: 0 };
const notices = { own: '', server: '' };

// ---- the screen -----------------------------------------------------------------------------------------------------

function drawContext(messages) {
  const used = messages.findLast((message) => message.stats?.context)?.stats.context ?? 0;
  $('meter').hidden = !used || !state.maxTokens;
  $('context-meter').max = state.maxTokens;
  $('context-meter').high = state.maxTokens * 0.85;
  $('context-meter').value = used;
  $('context-text').textContent = `${used} / ${state.maxTokens}`;
}

function draw() {
  const isBusy = answers.isRunning(state.current);
  const messages = shownMessages(state.current);
  $('title').textContent = state.current.title || 'New conversation';
  drawSidebar();
  drawMessages(state.current, messages, { isBusy, edit, goOn, regenerate, choose: chooseVersion, answerCall });
  drawContext(messages);
  $('send').hidden = isBusy;
  $('stop').hidden = !isBusy;
  $('send').disabled = state.server === 'loading';
}

const atBottom = () => $('messages').scrollHeight - $('messages').scrollTop - $('messages').clientHeight < 60;
function toBottom() { $('messages').scrollTop = $('messages').scrollHeight; }

function show(conversation) {
  state.current = conversation;
  openSidebar(false);
  draw();
  toBottom();
  if (matchMedia('(pointer: fine)').matches) $('input').focus(); // else a keyboard would cover half of the screen
}

// One line above the messages: what the page has to say, until it is closed, else what there is to know of the server.
function drawNotice() {
  $('notice').hidden = !notices.own && !notices.server;
  $('notice-text').textContent = notices.own || notices.server;
  $('retry').hidden = Boolean(notices.own) || state.server !== 'unreachable';
  $('close-notice').hidden = !notices.own;
}

function say(text) {
  notices.own = text;
  drawNotice();
}

// ---- talking --------------------------------------------------------------------------------------------------------

function send(text) {
  if (!text.trim() || answers.isRunning(state.current)) return false;
  answers.answer(state.current, add(state.current, 'user', text));
  return true;
}

function goOn(message) { answers.goOn(state.current, message); }

function answerCall(message, call, word) { answers.answerCall(state.current, message, call, word); }

function regenerate(message) {
  const question = state.current.messages.find((other) => other.id === message.parent);
  if (question) answers.answer(state.current, question);
}

function edit(message) {
  const conversation = state.current;
  editInPlace(message, (text) => answers.answer(conversation, add(conversation, 'user', text, message.parent)), draw);
}

function chooseVersion(message) {
  choose(state.current, message);
  store.save(state.current);
  draw();
  elementOf(message)?.scrollIntoView({ block: 'nearest' });
}

// A growing answer is drawn at most once a frame, and less often where drawing takes long. The view stays at its end unless
// the reader has scrolled up.
const painter = { frame: 0, notBefore: 0 };

function paint(message) {
  painter.frame = 0;
  const element = elementOf(message);
  if (!element) return;
  const follow = atBottom();
  const began = performance.now();
  showText(element, message);
  painter.notBefore = performance.now() + 3 * (performance.now() - began);
  if (follow) toBottom();
}

function askToPaint(message) {
  if (painter.frame || performance.now() < painter.notBefore) return;
  painter.frame = requestAnimationFrame(() => paint(message));
}

answers.listen((conversation, message, event, error) => {
  if (event === 'full') say('The browser has no room left: this talk is lost when the page closes. Export and delete some.');
  if (event === 'error' && error.status === 401) openSettings('api_key');
  if (event === 'error' && [0, 503].includes(error.status)) askServer();
  if (conversation !== state.current) {
    if (event !== 'grow') drawSidebar();
  } else if (event === 'grow') {
    askToPaint(message);
  } else if (['begin', 'end', 'asked'].includes(event)) {
    const follow = event === 'begin' || atBottom();
    draw();
    if (follow) toBottom();
  }
});

// ---- the server -----------------------------------------------------------------------------------------------------

function serverChanged(server, news) {
  const before = state.server;
  state.server = server;
  if (server === 'ready') {
    state.maxTokens = news.max_model_len ?? 0;
    $('model').textContent = news.id;
    showDefaults(news.default_sampling ?? {});
    offerTools(news.server_tools ?? []);
    engine.offer(Boolean(news.debug_views), apiKey);
  } else {
    $('model').textContent = { loading: 'loading …', unreachable: 'no connection' }[server] ?? news;
  }
  notices.server = { loading: 'The model is being loaded. You can write already.', unreachable: news }[server] ?? '';
  drawNotice();
  if (server === 'refused' && before !== server) openSettings('api_key');
  if (before !== server || server === 'ready') draw();
}

// ---- fields and keys ------------------------------------------------------------------------------------------------

function growInput() {
  $('input').style.height = 'auto';
  $('input').style.height = `${$('input').scrollHeight + 2}px`;
}

$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  if ($('send').disabled || !send($('input').value)) return;
  $('input').value = '';
  growInput();
});
$('input').addEventListener('input', growInput);
$('input').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('composer').requestSubmit();
  }
});
$('stop').addEventListener('click', () => answers.stop(state.current));
$('retry').addEventListener('click', askServer);
$('close-notice').addEventListener('click', () => say(''));
$('new-chat').addEventListener('click', () => show(create()));
$('open-settings').addEventListener('click', () => openSettings());
document.addEventListener('keydown', (event) => {
  const control = event.ctrlKey || event.metaKey;
  if (event.key === 'Escape' && answers.isRunning(state.current) && !$('settings').open) answers.stop(state.current);
  else if (control && event.shiftKey && event.key.toLowerCase() === 'o') show(create());
  else if (control && event.key === ',') openSettings();
  else return;
  event.preventDefault();
});

// A conversation that is gone leaves the screen, and its answer ends.
function removed(conversation) {
  answers.stop(conversation);
  if (conversation === state.current) show(create());
  else drawSidebar();
}

store.watch((conversation) => {
  if (conversation.isRemoved) removed(conversation);
  else if (conversation === state.current) draw();
  else drawSidebar();
});
initSidebar({ current: () => state.current, open: show, removed, say, redraw: draw });
watchSettings(askServer);
draw();
watchServer(serverChanged);
