// The calls of tools in an answer: how they come in, where they stand in its text, and what the model sees of them later.
//
// Call: {id, name, arguments, at, turn, result?, isError?, approval?, isLeft?, word?, isDropped?}
//   arguments: JSON as the model wrote it; it grows while it streams
//   at: characters of the answer's text before it. turn: which of the model's messages in this answer it belongs to
//   result: what the tool gave; absent while it runs, and of a call that did not
//   isLeft: the server did not run it. approval: what lets it, by a request to come; absent: nothing does
//   isDropped: it repeats another or cannot be read, was not run and is no part of the talk
//   word: 'run', while other calls of its message still wait for the user's

const DENIED = 'the user does not allow this call';
const REFUSED = 'this call was not run: nobody can be asked about it, as its arguments are too long or no tool has its name';
const STOPPED = 'this call was stopped; it may have run';
const UNANSWERED = 'the user has not answered whether this call may run';

const callsOf = (message) => message.calls ?? [];

// Calls that wait for a word of the user.
export const openCalls = (message) => callsOf(message).filter((call) => call.isLeft && call.result === undefined);

// Takes news of calls into the answer. `known`: the calls of this request by their place, a Map that starts empty.
// `isLeft`: they are left to the client, where they are counted apart.
export function takeCalls(message, known, news, isLeft) {
  for (const { index, id, function: said, result, is_error: isError, dropped, approval_request_id: approval } of news) {
    const place = `${isLeft ? 'left' : 'here'} ${index}`;
    let call = known.get(place) ?? callsOf(message).find((other) => id && other.id === id && other.result === undefined);
    if (!call) {
      call = { id: id ?? '', name: said?.name ?? '', arguments: '', at: message.content.length, turn: nextTurn(message) };
      if (isLeft) call.isLeft = true;
      message.calls = [...callsOf(message), call];
    }
    known.set(place, call);
    if (said?.arguments) call.arguments += said.arguments;
    if (approval) call.approval = approval;
    if (result !== undefined) {
      call.result = result;
      if (isError) call.isError = true;
      if (dropped) call.isDropped = true;
      delete call.approval;
    }
  }
}

// A call behind results, or behind text that follows one, begins another message of the model.
function nextTurn(message) {
  const last = callsOf(message).at(-1);
  if (!last) return 0;
  return last.result === undefined ? last.turn : last.turn + 1;
}

function answer(call, result) {
  call.result = result;
  call.isError = true;
  delete call.approval;
}

export const deny = (call) => answer(call, DENIED);
export const refuse = (call) => answer(call, REFUSED);

// A call that was stopped while it came is none: what is there of its arguments is no JSON.
function isWhole(call) {
  try {
    JSON.parse(call.arguments);
    return true;
  } catch {
    return false;
  }
}

const isSaid = (call) => !call.isDropped && (call.result !== undefined || isWhole(call));

// {turns: [{text, calls}], tail}: the messages of the model with calls, and what it says after them.
export function turnsOf(message) {
  const turns = [];
  let begin = 0;
  for (const call of callsOf(message)) {
    if (turns.length === 0 || turns.at(-1).turn !== call.turn) turns.push({ turn: call.turn, text: '', calls: [] });
    turns.at(-1).text += message.content.slice(begin, call.at);
    turns.at(-1).calls.push(call);
    begin = Math.max(begin, call.at);
  }
  return { turns, tail: message.content.slice(begin) };
}

// The answer as the API has it. Calls that wait: `waits` leaves them at the end, without a result.
export function messagesOf(message, tail, waits = false) {
  const messages = [];
  let text = ''; // of turns whose calls are none, too
  for (const { text: said, calls: all } of turnsOf(message).turns) {
    text += said;
    const calls = all.filter(isSaid);
    if (calls.length === 0) continue;
    messages.push({
      role: 'assistant', content: text,
      tool_calls: calls.map(({ id, name, arguments: said }) => ({ id, type: 'function', function: { name, arguments: said } })),
    });
    text = '';
    for (const call of calls) {
      if (call.result === undefined && call.isLeft && waits) continue;
      const result = call.result ?? (call.isLeft ? UNANSWERED : STOPPED);
      messages.push({ role: 'tool', tool_call_id: call.id, name: call.name, content: (call.isError ? 'error: ' : '') + result });
    }
  }
  text += tail;
  if (text.trim()) messages.push({ role: 'assistant', content: text });
  return messages;
}
