// A conversation is a tree of messages: an edited question and an answer that is asked for again stand beside the old ones.
//
// Conversation: {id, title, titled, updated, messages: [message, ...], leaf}
//   titled, updated: milliseconds since 1970, when its title was given and when a message was last added
//   leaf: id of the message that the shown branch ends with; '' when there is none
// Message: {id, parent, role, content, at, changed, reasoning?, calls?, status?, error?, stats?}
//   parent: id of the message before it; '' for a first one
//   role: 'user' or 'assistant'
//   at, changed: milliseconds since 1970; of two copies of one message the later changed is right
//   status: absent when whole; 'running'; 'stopped' by the user; 'cut' at a length limit; 'lost' with the connection;
//           'failed' on the server; 'asks' for the user's word on a call. error: what there is to say about 'lost' and 'failed'
//   calls: of tools, in their order (calls.js)
//   stats: {tokens, context, seconds, first, speed}: generated tokens, tokens of the context in use, seconds of it all and
//          to the first token, tokens a second after it

// getRandomValues, not randomUUID: the page may be served over plain HTTP to another machine.
function randomId() {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return `${random[0].toString(36)}${random[1].toString(36)}`;
}

export function create() {
  return { id: randomId(), title: '', titled: 0, updated: Date.now(), messages: [], leaf: '' };
}

// Appends a message under `parent` and shows the branch that it begins.
export function add(conversation, role, content, parent = conversation.leaf) {
  const now = Date.now();
  const message = { id: randomId(), parent, role, content, at: now, changed: now };
  conversation.messages.push(message);
  conversation.leaf = message.id;
  if (!conversation.title && role === 'user') {
    conversation.title = content.replace(/\s+/g, ' ').trim().slice(0, 60);
  }
  conversation.updated = now;
  return message;
}

export function rename(conversation, title) {
  conversation.title = title;
  conversation.titled = Date.now();
}

// The messages of the shown branch, first to last.
export function shownMessages(conversation) {
  const byId = new Map(conversation.messages.map((message) => [message.id, message]));
  const shown = [];
  let message = byId.get(conversation.leaf);
  while (message && shown.length < byId.size) { // the bound: a file may hold a circle
    shown.push(message);
    message = byId.get(message.parent);
  }
  return shown.reverse();
}

// The messages that stand at the place of `message`, itself among them, oldest first.
export function versions(conversation, message) {
  return conversation.messages.filter((other) => other.parent === message.parent).sort((a, b) => a.at - b.at);
}

// Shows the branch through `message`: below it always the newest.
export function choose(conversation, message) {
  let leaf = message;
  for (let step = 0; step < conversation.messages.length; step += 1) {
    const children = conversation.messages.filter((other) => other.parent === leaf.id);
    if (children.length === 0) break;
    leaf = children.reduce((newest, child) => (child.at >= newest.at ? child : newest));
  }
  conversation.leaf = leaf.id;
}

// Takes into `mine` what another tab or a file knows of the same conversation. Nothing is dropped. The shown branch stays.
export function merge(mine, theirs) {
  const byId = new Map(mine.messages.map((message) => [message.id, message]));
  for (const message of theirs.messages) {
    const own = byId.get(message.id);
    if (!own) mine.messages.push(message);
    else if (message.changed > own.changed) replace(own, message);
  }
  if (theirs.titled > mine.titled || !mine.title) {
    mine.title = theirs.title;
    mine.titled = theirs.titled;
  }
  mine.updated = Math.max(mine.updated, theirs.updated);
  mine.leaf ||= theirs.leaf;
}

// In place: whoever holds the message goes on with it.
function replace(own, message) {
  for (const key of Object.keys(own)) delete own[key];
  Object.assign(own, message);
}

const text = (value) => (typeof value === 'string' ? value : '');
const number = (value) => (Number.isFinite(value) ? value : 0);

function normaliseCall(raw) {
  if (!raw || typeof raw !== 'object') return null;
  const call = { id: text(raw.id), name: text(raw.name), arguments: text(raw.arguments), at: number(raw.at), turn: number(raw.turn) };
  if (typeof raw.result === 'string') call.result = raw.result;
  if (text(raw.approval)) call.approval = raw.approval;
  for (const name of ['isError', 'isLeft', 'isDropped']) {
    if (raw[name] === true) call[name] = true;
  }
  return call;
}

function normaliseMessage(raw, id, parent, i) {
  const message = { id, parent, role: raw.role, content: raw.content, at: number(raw.at) || i, changed: number(raw.changed) };
  for (const name of ['reasoning', 'status', 'error']) {
    if (text(raw[name])) message[name] = raw[name];
  }
  if (Array.isArray(raw.calls)) {
    const calls = raw.calls.map(normaliseCall).filter(Boolean);
    if (calls.length > 0 && raw.role === 'assistant') message.calls = calls;
  }
  if (raw.stats && typeof raw.stats === 'object') {
    const names = ['tokens', 'context', 'seconds', 'first', 'speed'];
    message.stats = Object.fromEntries(names.map((name) => [name, number(raw.stats[name])]));
  }
  return message;
}

// What was read, from the browser's memory or from a file, as a conversation; null if it is none. The old form had no tree:
// its messages follow one another and have no ids.
export function normalise(raw) {
  if (!raw || typeof raw !== 'object' || !Array.isArray(raw.messages)) return null;
  const conversation = {
    id: text(raw.id) || randomId(), title: text(raw.title), titled: number(raw.titled), updated: number(raw.updated),
    messages: [], leaf: '',
  };
  let last = '';
  raw.messages.forEach((message, i) => {
    if (!['user', 'assistant'].includes(message?.role) || typeof message.content !== 'string') return;
    const own = text(message.id) !== '';
    const id = own ? message.id : `m${i}`; // the same in every tab that reads the old form
    conversation.messages.push(normaliseMessage(message, id, own ? text(message.parent) : last, i));
    last = id;
  });
  conversation.leaf = conversation.messages.some((message) => message.id === raw.leaf) ? raw.leaf : last;
  return conversation;
}
