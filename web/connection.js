// Whether the server is there and which model it serves. Asked again until the model is loaded, after a lost connection, and
// now and then while all is well: the server may have been started anew with another model.

import * as api from './api.js';
import { apiKey } from './settings.js';

const WHILE_LOADING_MS = 1000;
const WHILE_WELL_MS = 15000;
const MOST_MS = 10000; // between two tries to reach a server that is gone

let timer = 0;
let failures = 0;
let asked = 0; // numbers the questions: a late reply to an old one is not heard
let listener = () => {};

// Calls changed(state, model or message) after each reply; state: 'ready', 'loading', 'refused' or 'unreachable'.
export function watchServer(changed) {
  listener = changed;
  document.addEventListener('visibilitychange', () => { if (!document.hidden) askServer(); });
  askServer();
}

// Asks at once, and from then on as often as the reply calls for.
export async function askServer() {
  clearTimeout(timer);
  asked += 1;
  const number = asked;
  const [state, news] = await reply();
  if (number !== asked) return;
  failures = state === 'unreachable' ? failures + 1 : 0;
  if (state !== 'busy') listener(state, news); // a server that has no time for this question is still there
  const wait = {
    ready: WHILE_WELL_MS, busy: WHILE_WELL_MS, loading: WHILE_LOADING_MS, unreachable: Math.min(1000 * failures, MOST_MS),
  }[state];
  if (wait && !document.hidden) timer = setTimeout(askServer, wait); // a refusal waits for another key
}

async function reply() {
  try {
    return ['ready', await api.model(apiKey())];
  } catch (error) {
    if (error.status === 503) return ['loading', error.message];
    if (error.status === 401) return ['refused', error.message];
    if (error.status === 429) return ['busy', error.message];
    return ['unreachable', error.message];
  }
}
