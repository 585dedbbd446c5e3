// Answers on their way, one a conversation. They go on whatever the page shows meanwhile, and are kept as they grow: a
// reload, a lost connection or a crash leaves what has come, marked as not whole, to be continued.

import * as api from './api.js';
import { deny, messagesOf, openCalls, refuse, takeCalls } from './calls.js';
import { add, shownMessages } from './conversation.js';
import { partsOf } from './reasoning.js';
import { apiKey, parameters, settings } from './settings.js';
import { save } from './store.js';
import { runAlways, runsAlways, serverTools } from './tools.js';

const SAVE_EVERY_MS = 1000;
const SIGN_OF_LIFE_MS = 5000; // how often an answer is kept although no text comes
const running = new Map(); // conversation -> {controller, message, savedAt}
const listeners = [];

// listener(conversation, message, event, error); event: 'begin', 'grow', 'end', 'error', 'asked' when the user has said yes or
// no to one of several calls of tools, or 'full' when the browser has no room to keep the answer.
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
  const messages = shown.slice(0, shown.indexOf(last) + 1).flatMap((message) => {
    if (message.role === 'assistant') return messagesOf(message, partsOf(message).answer);
    return message.content.trim() ? [{ role: 'user', content: message.content }] : [];
  });
  return settings.system ? [{ role: 'system', content: settings.system }, ...messages] : messages;
}

// Asks for an answer to `question`, the conversation's message that it follows.
export function answer(conversation, question) {
  const messages = prompt(conversation, question);
  const message = add(conversation, 'assistant', '', question.id);
  return run(conversation, message, messages, serverTools());
}

// Lets the model go on with an answer that was stopped, cut or lost.
export function goOn(conversation, message) {
  if (message.calls && !partsOf(message).answer) return resumeOrAsk(conversation, message);
  const before = shownMessages(conversation).find((other) => other.id === message.parent);
  const own = message.calls ? messagesOf(message, partsOf(message).answer) : [{ role: 'assistant', content: message.content }];
  const how = { add_generation_prompt: false, continue_final_message: true };
  return run(conversation, message, [...prompt(conversation, before), ...own], how);
}

// The user's word on a call that waits for it: 'run', 'deny', or 'always' for all calls of this tool in this conversation.
export function answerCall(conversation, message, call, word) {
  if (word === 'deny') deny(call);
  else call.word = 'run';
  if (word === 'always') runAlways(conversation, call.name);
  resumeOrAsk(conversation, message);
}

function resumeOrAsk(conversation, message) {
  if (resume(conversation, message)) return;
  message.status = 'asks';
  keep(conversation, { message });
  tell(conversation, message, 'asked');
}

// Goes on behind the calls of an answer, once all that can be asked about have their word. False: some have not.
function resume(conversation, message) {
  const asked = openCalls(message).filter((call) => call.approval);
  for (const call of asked) {
    if (runsAlways(conversation, call.name)) call.word = 'run';
  }
  if (!asked.every((call) => call.word)) return false;
  openCalls(message).filter((call) => !call.approval).forEach(refuse);
  const approvals = asked.map((call) => call.approval);
  const before = shownMessages(conversation).find((other) => other.id === message.parent);
  const messages = [...prompt(conversation, before), ...messagesOf(message, '', true)];
  run(conversation, message, messages, { tools: [{ type: 'mcp' }], ...(approvals.length > 0 ? { tool_approvals: approvals } : {}) }, asked);
  return true;
}

// They are the server's now: it runs them, or has refused to.
function giveAway(calls) {
  for (const call of calls) {
    delete call.isLeft;
    delete call.approval;
    delete call.word;
  }
}

// `approved`: calls that the server is asked to run. Where it did not get to that, they wait for the user's word again.
async function run(conversation, message, messages, how, approved = []) {
  const answer = { controller: new AbortController(), message, approved, savedAt: 0 };
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
    if (error.status === 400) giveAway(approved); // they can be approved no more
    if (approved.some((call) => call.isLeft)) message.status = 'asks';
    approved.forEach((call) => delete call.word);
  }
  clearInterval(timer);
  running.delete(conversation);
  if (!failure && openCalls(message).some((call) => call.approval) && resume(conversation, message)) return;
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
  let earlier = { prompt_tokens: 0, completion_tokens: 0 }; // of messages of the model before its last: usage counts them all
  const known = new Map(); // calls of tools
  for await (const piece of pieces) {
    giveAway(answer.approved);
    const seconds = (performance.now() - started) / 1000;
    if (piece.text) message.content += piece.text;
    if (piece.reasoning) message.reasoning = (message.reasoning ?? '') + piece.reasoning;
    if (piece.text || piece.reasoning) first ||= seconds;
    if (piece.calls) takeCalls(message, known, piece.calls, false);
    if (piece.leftCalls) takeCalls(message, known, piece.leftCalls, true);
    if (piece.usage) {
      if (usage.prompt_tokens && piece.usage.prompt_tokens > usage.prompt_tokens) earlier = usage;
      usage = piece.usage;
    }
    if (piece.finish) {
      if (openCalls(message).length > 0) message.status = 'asks';
      else if (piece.finish === 'length') message.status = 'cut';
      else delete message.status;
    }
    message.stats = {
      tokens: before.tokens + usage.completion_tokens,
      context: usage.prompt_tokens + usage.completion_tokens - earlier.prompt_tokens - earlier.completion_tokens,
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
