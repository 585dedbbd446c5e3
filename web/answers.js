// Answers on their way, one a conversation. They go on whatever the page shows meanwhile, and are kept as they grow: a
// reload, a lost connection or a crash leaves what has come, marked as not whole, to be continued.

import * as api from './api.js';
import { add, shownMessages } from './conversation.js';
import { partsOf } from './reasoning.js';
import { apiKey, parameters, settings } from './settings.js';
import { save } from './store.js';

const SAVE_EVERY_MS = 1000;
const SIGN_OF_LIFE_MS = 5000; // how often an answer is kept although no text comes
const running = new Map(); // conversation -> {controller, message, savedAt}
const listeners = [];

// listener(conversation, message, event, error); event: 'begin', 'grow', 'end', 'error', or 'full' when the browser has no
// room to keep the answer.
export function listen(listener) { listeners.push(listener); }

function tell(...what) { listeners.forEach((listener) => listener(...what)); }

export const isRunning = (conversation) => running.has(conversation);
export const isRunningMessage = (message) => [...running.values()].some((answer) => answer.message === message);
export function stop(conversation) { running.get(conversation)?.controller.abort(); }

// Another tab's answer shows a sign of life now and then; without one, its tab is gone.
export function isLost(message) {
  if (message.status !== 'running' || isRunningMessage(message)) return false;
  return Date.now() - message.changed > 3 * SIGN_OF_LIFE_MS;
}

// The messages up to `last` as the model is to see them: its earlier thoughts are not sent back.
function prompt(conversation, last) {
  const shown = shownMessages(conversation);
  const messages = shown.slice(0, shown.indexOf(last) + 1)
    .map((message) => ({ role: message.role, content: message.role === 'user' ? message.content : partsOf(message).answer }))
    .filter((message) => message.content.trim());
  return settings.system ? [{ role: 'system', content: settings.system }, ...messages] : messages;
}

// Asks for an answer to `question`, the conversation's message that it follows.
export function answer(conversation, question) {
  const messages = prompt(conversation, question);
  const message = add(conversation, 'assistant', '', question.id);
  return run(conversation, message, messages, {});
}

// Lets the model go on with an answer that was stopped, cut or lost.
export function goOn(conversation, message) {
  const before = shownMessages(conversation).find((other) => other.id === message.parent);
  const messages = [...prompt(conversation, before), { role: 'assistant', content: message.content }];
  return run(conversation, message, messages, { add_generation_prompt: false, continue_final_message: true });
}

async function run(conversation, message, messages, how) {
  const answer = { controller: new AbortController(), message, savedAt: 0 };
  running.set(conversation, answer);
  delete message.error;
  message.status = 'running';
  keep(conversation, answer);
  tell(conversation, message, 'begin');
  const timer = setInterval(() => keep(conversation, answer), SIGN_OF_LIFE_MS);
  let failure = null;
  try {
    await read(conversation, answer, api.chat(messages, { ...parameters(), ...how }, apiKey(), answer.controller.signal));
  } catch (error) {
    failure = error;
    fail(message, error);
  }
  clearInterval(timer);
  running.delete(conversation);
  keep(conversation, answer);
  tell(conversation, message, 'end');
  if (failure && failure.name !== 'AbortError') tell(conversation, message, 'error', failure);
}

async function read(conversation, answer, pieces) {
  const { message } = answer;
  const before = message.stats ?? { tokens: 0, seconds: 0 }; // of the part that is continued
  const started = performance.now();
  let usage = { prompt_tokens: 0, completion_tokens: 0 };
  let first = 0;
  for await (const piece of pieces) {
    const seconds = (performance.now() - started) / 1000;
    if (piece.text) message.content += piece.text;
    if (piece.reasoning) message.reasoning = (message.reasoning ?? '') + piece.reasoning;
    if (piece.text || piece.reasoning) first ||= seconds;
    if (piece.usage) usage = piece.usage;
    if (piece.finish) {
      if (piece.finish === 'length') message.status = 'cut';
      else delete message.status;
    }
    message.stats = {
      tokens: before.tokens + usage.completion_tokens,
      context: usage.prompt_tokens + usage.completion_tokens,
      seconds: before.seconds + seconds,
      first: before.first ?? first,
      speed: usage.completion_tokens > 1 && seconds > first ? (usage.completion_tokens - 1) / (seconds - first) : 0,
    };
    if (performance.now() - answer.savedAt > SAVE_EVERY_MS) keep(conversation, answer);
    tell(conversation, message, 'grow');
  }
}

function fail(message, error) {
  if (error.name === 'AbortError') {
    message.status = 'stopped';
    return;
  }
  message.status = error.status === 0 ? 'lost' : 'failed';
  message.error = error.message;
}

function keep(conversation, answer) {
  answer.savedAt = performance.now();
  answer.message.changed = Date.now();
  if (!save(conversation)) tell(conversation, answer.message, 'full');
}

// The page goes away: what has come stays, and says that it is not whole.
addEventListener('pagehide', () => {
  for (const [conversation, answer] of running) {
    answer.message.status = 'lost';
    keep(conversation, answer);
  }
});
