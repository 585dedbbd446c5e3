// The messages of a conversation on the screen. Each has one element, which is drawn again only when its message changed.

import { isLost, isRunningMessage } from './answers.js';
import { showSteps } from './cards.js';
import { button, copy } from './code.js';
import { versions } from './conversation.js';
import { showMarkdown } from './markdown.js';
import { partsOf } from './reasoning.js';

const list = document.getElementById('messages');

const NOTES = {
  stopped: 'Stopped.',
  cut: 'The answer was cut: the length limit or the end of the context.',
  lost: 'The answer is not whole: its connection was lost.',
};

function part(name, tag = 'div') {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

// ---- an answer's parts ----------------------------------------------------------------------------------------------

function reasoningElement() {
  const element = part('reasoning', 'details');
  const text = part('thoughts');
  element.append(document.createElement('summary'), text);
  return element;
}

function showReasoning(element, { reasoning, isOpen }, isRunning) {
  let details = element.querySelector('.reasoning');
  if (!reasoning) {
    details?.remove();
    return;
  }
  if (!details) {
    details = reasoningElement();
    element.prepend(details);
  }
  details.firstElementChild.textContent = isOpen && isRunning ? 'Thinking…' : 'Thoughts';
  showMarkdown(details.lastElementChild, reasoning, !isOpen);
}

// The model's messages with calls of tools, before its last words.
function showCalls(element, message, isRunning, answer) {
  let steps = element.querySelector('.steps');
  if (!message.calls) return steps?.remove();
  if (!steps) {
    steps = part('steps');
    element.querySelector('.body').before(steps);
  }
  showSteps(steps, message, isRunning, answer);
}

// Shows the text of an answer in its element; called again and again while it grows.
export function showText(element, message) {
  const isRunning = isRunningMessage(message);
  const parts = partsOf(message);
  showReasoning(element, parts, isRunning);
  showCalls(element, message, isRunning, element.answerCall);
  const body = element.querySelector('.body');
  showMarkdown(body, parts.answer, !isRunning);
  body.classList.toggle('waiting', isRunning && !parts.answer);
}

function noteOf(message) {
  const status = isLost(message) ? 'lost' : message.status;
  const text = message.error ?? NOTES[status];
  if (!text) return null;
  const note = part(status === 'stopped' ? 'note' : 'note error', 'p');
  note.setAttribute('role', 'alert');
  note.textContent = text;
  return note;
}

function statsOf({ stats }) {
  const element = part('stats quiet', 'span');
  if (!stats?.tokens) return element;
  const words = [`${stats.tokens} tokens`, `${stats.seconds.toFixed(1)} s`, `first after ${stats.first.toFixed(2)} s`];
  if (stats.speed > 0) words.unshift(`${stats.speed.toFixed(1)} tok/s`);
  element.textContent = words.join(' · ');
  return element;
}

// ‹ 2/3 ›: the versions of one message.
function versionsOf(conversation, message, actions) {
  const all = versions(conversation, message);
  const at = all.indexOf(message);
  const element = part('versions', 'span');
  if (all.length < 2) return element;
  const step = (label, name, other) => {
    const go = button(label, () => actions.choose(other), name);
    go.disabled = !other || actions.isBusy;
    return go;
  };
  const place = part('', 'span');
  place.textContent = `${at + 1}/${all.length}`;
  element.append(step('‹', 'Previous version', all[at - 1]), place, step('›', 'Next version', all[at + 1]));
  return element;
}

function toolsOf(conversation, message, actions) {
  const tools = part('tools');
  const { answer } = partsOf(message);
  tools.append(versionsOf(conversation, message, actions));
  if (answer) tools.append(button('Copy', (pressed) => copy(answer, pressed)));
  if (!actions.isBusy && message.role === 'user') tools.append(button('Edit', () => actions.edit(message)));
  if (!actions.isBusy && message.role === 'assistant') {
    const isPart = isLost(message) || ['stopped', 'cut', 'lost', 'failed'].includes(message.status);
    if (isPart && (message.calls || message.content)) tools.append(button('Continue', () => actions.goOn(message)));
    tools.append(button(message.content ? 'Regenerate' : 'Retry', () => actions.regenerate(message)));
  }
  tools.append(statsOf(message));
  return tools;
}

// `old`: the element that this one replaces, or undefined. Its text and thoughts go over: only what changed is drawn again.
function messageElement(conversation, message, actions, old) {
  const element = part(`message ${message.role}`, 'article');
  const body = old?.querySelector('.body') ?? part('body');
  element.append(...old?.querySelectorAll(':scope > :is(.reasoning, .steps)') ?? [], body);
  const isAsked = message.status === 'asks' && !actions.isBusy && conversation.leaf === message.id;
  if (isAsked) element.answerCall = (call, word) => actions.answerCall(message, call, word);
  if (message.role === 'user') body.textContent = message.content;
  else showText(element, message);
  const note = noteOf(message);
  if (note) element.append(note);
  element.append(toolsOf(conversation, message, actions));
  return element;
}

// ---- all of them ----------------------------------------------------------------------------------------------------

// What an element's look depends on besides the message itself.
function keyOf(conversation, message, actions) {
  const places = versions(conversation, message).map((version) => version.id);
  return JSON.stringify([message, places, actions.isBusy, conversation.leaf === message.id, isRunningMessage(message), isLost(message)]);
}

// actions: {isBusy, edit(message), goOn(message), regenerate(message), choose(message), answerCall(message, call, word)};
// busy: an answer is on its way.
export function drawMessages(conversation, messages, actions) {
  const old = new Map([...list.children].map((element) => [element.dataset.id, element]));
  const elements = messages.map((message) => {
    const key = keyOf(conversation, message, actions);
    const known = old.get(message.id);
    if (known && (known.drawnAs === key || known.classList.contains('editing'))) return known;
    const element = messageElement(conversation, message, actions, known);
    element.dataset.id = message.id;
    element.drawnAs = key;
    return element;
  });
  if (elements.length === 0) {
    const hint = part('empty', 'p');
    hint.textContent = 'Ask something. Enter sends, Shift+Enter breaks the line, Esc stops.';
    elements.push(hint);
  }
  elements.forEach((element, i) => { // elements that are in their place are not moved: focus and selection stay
    if (list.children[i] !== element) list.insertBefore(element, list.children[i] ?? null);
  });
  while (list.children.length > elements.length) list.lastElementChild.remove();
}

export function elementOf(message) {
  return [...list.children].find((element) => element.dataset.id === message.id);
}

// Turns a message of the user into a text field; save(text) or nothing.
export function editInPlace(message, save, redraw) {
  const element = elementOf(message);
  const area = document.createElement('textarea');
  area.value = message.content;
  area.rows = Math.min(12, message.content.split('\n').length + 1);
  area.setAttribute('aria-label', 'Edit the message');
  const end = () => { element.classList.remove('editing'); element.drawnAs = ''; };
  const cancel = () => { end(); redraw(); };
  const send = () => { if (area.value.trim()) { end(); save(area.value); } };
  const buttons = part('buttons');
  const sendButton = button('Send', send);
  sendButton.className = 'main';
  buttons.append(button('Cancel', cancel), sendButton);
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      cancel();
    }
  });
  element.classList.add('editing');
  element.replaceChildren(area, buttons);
  area.focus();
}
