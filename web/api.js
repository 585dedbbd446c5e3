// The server's OpenAI API, as this page uses it. Errors become an Error whose message a person can read.

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const headers = (apiKey) => ({
  'Content-Type': 'application/json',
  ...(apiKey ? { Authorization: `Bearer ${apiKey}` } : {}),
});

async function errorOf(response) {
  let message = `the server answered ${response.status}`;
  try {
    message = (await response.json()).error.message || message;
  } catch { /* no JSON: the status must do */ }
  if (response.status === 429) message = 'The server is busy. Try again in a moment.';
  return new ApiError(message, response.status);
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('The server cannot be reached. Is it running?', 0);
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

// The model that is served: {id, max_model_len, debug_views?, ...}. Status 503: it is still being loaded.
export async function model(apiKey) {
  const response = await request('/v1/models', { headers: headers(apiKey) });
  return (await response.json()).data[0];
}

const LOST = 'The connection to the server was lost.';

async function readPiece(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(LOST, 0);
  }
}

// Server-sent events of a response body: the data of each, in order.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await readPiece(reader);
    if (done) return;
    buffer += value.replaceAll('\r\n', '\n');
    let end;
    while ((end = buffer.indexOf('\n\n')) >= 0) {
      const data = buffer.slice(0, end).split('\n').filter((line) => line.startsWith('data:'));
      buffer = buffer.slice(end + 2);
      if (data.length > 0) yield data.map((line) => line.slice(5).trimStart()).join('\n');
    }
  }
}

// The engine's state, frame after frame, as GET /debug/state sends it.
export async function* engineFrames(apiKey, signal) {
  const response = await request('/debug/state', { headers: headers(apiKey), signal });
  for await (const data of events(response.body)) yield JSON.parse(data);
}

// Streams an answer: {} when the server has taken the request, and then pieces of {text}, {reasoning}, {calls}, {leftCalls},
// {usage} and {finish}, in the order in which they come (calls of tools as the API has them: those that the server runs, and
// those that it leaves to us). `signal` stops it.
// An answer that ends without a reason to finish was lost with the connection: status 0.
export async function* chat(messages, parameters, apiKey, signal) {
  const response = await request('/v1/chat/completions', {
    method: 'POST',
    headers: headers(apiKey),
    signal,
    body: JSON.stringify({
      ...parameters, messages, stream: true, stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
  });
  yield {};
  let isFinished = false;
  for await (const data of events(response.body)) {
    if (data === '[DONE]') break;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiError(chunk.error.message, 500);
    if (chunk.usage) yield { usage: chunk.usage };
    const choice = chunk.choices?.[0];
    const reasoning = choice?.delta?.reasoning_content ?? choice?.delta?.reasoning;
    if (reasoning) yield { reasoning };
    if (choice?.delta?.content) yield { text: choice.delta.content };
    if (choice?.delta?.server_tool_calls) yield { calls: choice.delta.server_tool_calls };
    if (choice?.delta?.tool_calls) yield { leftCalls: choice.delta.tool_calls };
    if (choice?.finish_reason) {
      isFinished = true;
      yield { finish: choice.finish_reason };
    }
  }
  if (!isFinished) throw new ApiError(LOST, 0);
}
