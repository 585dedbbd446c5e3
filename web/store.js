// Conversations, kept in this browser's local storage, one entry each: tabs that talk at the same time change different
// entries, and what two tabs add to one conversation is merged (conversation.js). Nothing is ever dropped to make room.

import { merge, normalise } from './conversation.js';

const PREFIX = 'tiny-llm.conversation.';
const OLD = 'tiny-llm.conversations'; // one array of all, before conversations had entries of their own
const FORMAT = 'tiny-llm conversations';

const known = new Map(); // id -> conversation: one object each, shared by the whole page

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function stored(id) {
  try {
    return normalise(parse(localStorage.getItem(PREFIX + id)));
  } catch {
    return null; // no storage at all
  }
}

// False when the browser has no room left, or lends none: the page goes on with what is in memory.
function write(conversation) {
  try {
    localStorage.setItem(PREFIX + conversation.id, JSON.stringify(conversation));
    return true;
  } catch {
    return false;
  }
}

function readAll() {
  try {
    for (const raw of parse(localStorage.getItem(OLD)) ?? []) takeOld(raw);
    localStorage.removeItem(OLD);
    for (const key of Object.keys(localStorage)) {
      const conversation = key.startsWith(PREFIX) && stored(key.slice(PREFIX.length));
      if (conversation) known.set(conversation.id, conversation);
    }
  } catch { /* no storage: nothing is remembered */ }
}

function takeOld(raw) {
  const conversation = normalise(raw);
  if (!conversation || stored(conversation.id)) return;
  if (!write(conversation)) throw new Error('no room: the old form stays where it is');
}

readAll();

// Newest first.
export function conversations() {
  return [...known.values()].sort((a, b) => b.updated - a.updated);
}

// True if it could be kept. Only what this tab has changed is written, over what other tabs have written meanwhile.
export function save(conversation) {
  if (conversation.isRemoved || conversation.messages.length === 0) return true;
  known.set(conversation.id, conversation);
  const theirs = stored(conversation.id);
  if (theirs) merge(conversation, theirs);
  return write(conversation);
}

// An answer that is still on its way must not bring the conversation back: save() looks at isRemoved.
export function remove(conversation) {
  Object.defineProperty(conversation, 'isRemoved', { value: true, configurable: true });
  known.delete(conversation.id);
  try { localStorage.removeItem(PREFIX + conversation.id); } catch { /* nothing was kept */ }
}

// Calls changed(conversation) when another tab has changed or removed one.
export function watch(changed) {
  addEventListener('storage', ({ key, newValue }) => {
    if (!key?.startsWith(PREFIX)) return;
    const id = key.slice(PREFIX.length);
    const mine = known.get(id);
    const theirs = newValue === null ? null : normalise(parse(newValue));
    if (theirs && mine) {
      merge(mine, theirs);
      if (mine.messages.length > theirs.messages.length) write(mine); // both wrote at once: theirs lacks what is ours
    } else if (theirs) {
      known.set(id, theirs);
    } else if (mine && newValue === null) {
      remove(mine); // once more: an answer may have been kept here before the news came
    }
    const conversation = mine ?? theirs;
    if (conversation) changed(conversation);
  });
}

// ---- files ----------------------------------------------------------------------------------------------------------

export function exportText() {
  return JSON.stringify({ format: FORMAT, version: 1, conversations: conversations() }, null, 1);
}

// Takes in what exportText() wrote. {read, kept}: how many conversations, and whether the browser had room for all of them.
export function importText(text) {
  const file = parse(text);
  const list = (Array.isArray(file) ? file : file?.conversations ?? []).map(normalise).filter((c) => c?.messages.length > 0);
  let kept = true;
  for (const conversation of list) {
    const mine = known.get(conversation.id);
    if (mine) merge(mine, conversation);
    kept = save(mine ?? conversation) && kept;
  }
  return { read: list.length, kept };
}
