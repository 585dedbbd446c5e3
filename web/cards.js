// Calls of tools on the screen: a card each, with the name, the arguments as they come, what can be said to it, and the
// result, folded. What a model or a tool writes is shown as text, never as HTML.

import { button } from './code.js';
import { turnsOf } from './calls.js';
import { showMarkdown } from './markdown.js';

const MOST_SHOWN = 20000; // characters of a text on the screen

function part(name, tag = 'div') {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

// Characters that hide, look like a space or turn what stands beside them; src/apps/printable.cpp has the same.
const HIDES = /(?![\t\n])[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]/gu;

// A text as a person can see it.
function plain(text) {
  const shown = text.replace(HIDES, '\ufffd');
  return shown.length > MOST_SHOWN ? `${shown.slice(0, MOST_SHOWN)}\n… (${shown.length} characters in all)` : shown;
}

const stateOf = (call, isRunning, canAnswer) => {
  if (call.result !== undefined) return call.isError ? 'failed' : 'done';
  if (call.word) return 'approved';
  if (!call.isLeft) return isRunning ? 'running' : 'stopped';
  if (isRunning) return 'asking';
  return call.approval && canAnswer ? 'asks' : 'left';
};
const WORDS = {
  approved: 'approved', done: 'done', failed: 'failed', running: 'runs …', asking: '…', asks: 'may it run?', left: 'was not run', stopped: 'was stopped',
};

function cardElement() {
  const card = part('call');
  const head = part('call-head');
  head.append(part('call-name', 'code'), part('call-state', 'span'));
  card.append(head, part('call-arguments', 'pre'));
  return card;
}

function showResult(card, call) {
  let result = card.querySelector('.call-result');
  if (call.result === undefined) return result?.remove();
  if (!result) {
    result = part('call-result', 'details');
    result.append(document.createElement('summary'), part('', 'pre'));
    card.append(result);
  }
  result.firstElementChild.textContent = call.isError ? 'Error' : 'Result';
  const text = plain(call.result);
  if (result.lastElementChild.textContent !== text) result.lastElementChild.textContent = text;
}

function showButtons(card, call, answer) {
  let buttons = card.querySelector('.call-buttons');
  if (card.dataset.state !== 'asks') return buttons?.remove();
  if (buttons) return;
  buttons = part('call-buttons');
  const yes = button('Approve', () => answer(call, 'run'));
  yes.className = 'main';
  buttons.append(yes, button('Deny', () => answer(call, 'deny')));
  const always = button('Always', () => answer(call, 'always'));
  always.title = `Run calls of ${call.name} in this conversation without a question, until the page is loaded again`;
  buttons.append(always);
  card.append(buttons);
}

function showCard(card, call, isRunning, answer) {
  const state = stateOf(call, isRunning, Boolean(answer));
  card.dataset.state = state;
  card.querySelector('.call-name').textContent = plain(call.name);
  card.querySelector('.call-state').textContent = WORDS[state];
  const text = plain(call.arguments);
  const said = card.querySelector('.call-arguments');
  if (said.textContent !== text) said.textContent = text;
  said.hidden = text.trim() === '' || text.trim() === '{}';
  showResult(card, call);
  showButtons(card, call, answer);
}

// The turns of an answer before its last words, into `steps`, whose elements stay as long as they stand for the same.
// `answer(call, word)`: what to do with 'run', 'deny' or 'always'; undefined: nobody is asked now.
export function showSteps(steps, message, isRunning, answer) {
  const wanted = turnsOf(message).turns.flatMap(({ text, calls }) => [...(text.trim() ? [text] : []), ...calls]);
  wanted.forEach((it, i) => {
    const kind = typeof it === 'string' ? 'said' : 'call';
    let element = steps.children[i];
    if (!element?.classList.contains(kind)) {
      const made = kind === 'said' ? part('said') : cardElement();
      steps.insertBefore(made, element ?? null);
      element = made;
    }
    if (kind === 'said') showMarkdown(element, it, true);
    else showCard(element, it, isRunning, answer);
  });
  while (steps.children.length > wanted.length) steps.lastElementChild.remove();
}
