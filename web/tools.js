// The tools that the server runs: whether the user lets the model call them, and what runs without a question. The page
// says yes or no to a call; the server holds the call to it.

const SWITCH = 'tiny-llm.tools';
const button = document.getElementById('switch-tools');
const always = new WeakMap(); // conversation -> names of tools; not kept: after a reload each asks again
let names = [];

function remembered() {
  try {
    return localStorage.getItem(SWITCH) === 'on';
  } catch {
    return false; // the browser lends no storage
  }
}

let isOn = remembered();

function show() {
  button.hidden = names.length === 0;
  button.setAttribute('aria-pressed', String(isOn));
  button.title = `${isOn ? 'The model may call' : 'Off: the model does not see'} ${names.join(', ')}`;
}

// What the server has: [{name, description, asks}]. An empty list takes the switch away.
export function offerTools(tools) {
  names = tools.map((tool) => tool.name);
  show();
}

export const serverTools = () => (isOn && names.length > 0 ? { tools: [{ type: 'mcp' }] } : {});

export const runsAlways = (conversation, name) => always.get(conversation)?.has(name) ?? false;

export function runAlways(conversation, name) {
  always.set(conversation, (always.get(conversation) ?? new Set()).add(name));
}

button.addEventListener('click', () => {
  isOn = !isOn;
  try {
    localStorage.setItem(SWITCH, isOn ? 'on' : 'off');
  } catch { /* not remembered */ }
  show();
});
