// Conversations and settings, kept in this browser's local storage.
// A conversation: {id, title, messages: [{role, content, error?}], usedTokens}. Newest first.

const CONVERSATIONS = 'tiny-llm.conversations';
const SETTINGS = 'tiny-llm.settings';
const LIMIT = 200; // conversations; the oldest are dropped

function read(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

// False when the browser has no room left: the page goes on with what is in memory.
function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

export const settings = read(SETTINGS, {});
export let conversations = read(CONVERSATIONS, []).filter((c) => Array.isArray(c?.messages));

export function saveSettings(values) {
  for (const key of Object.keys(settings)) delete settings[key];
  Object.assign(settings, values);
  write(SETTINGS, settings);
}

export function save() {
  conversations = conversations.filter((c) => c.messages.length > 0).slice(0, LIMIT);
  while (!write(CONVERSATIONS, conversations) && conversations.length > 1) conversations.pop();
}

// getRandomValues, not randomUUID: the page may be served over plain HTTP to another machine.
export function create() {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return { id: `${random[0].toString(36)}${random[1].toString(36)}`, title: '', messages: [], usedTokens: 0 };
}

// Puts a conversation on top and names it after its first message.
export function touch(conversation) {
  conversations = [conversation, ...conversations.filter((c) => c !== conversation)];
  if (!conversation.title && conversation.messages.length > 0) {
    conversation.title = conversation.messages[0].content.replace(/\s+/g, ' ').slice(0, 60);
  }
  save();
}

export function remove(conversation) {
  conversations = conversations.filter((c) => c !== conversation);
  save();
}
