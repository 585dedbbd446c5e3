// The settings and their dialog. Only what the user has changed is sent; the server's own defaults show as placeholders.
// The API key stays with the tab (session storage) unless the user lets the browser remember it (local storage).

const SETTINGS = 'tiny-llm.settings';
const KEY = 'tiny-llm.api-key';
const SAMPLING = ['temperature', 'top_p', 'seed', 'max_tokens'];

const dialog = document.getElementById('settings');
const form = dialog.querySelector('form');
export let settings = {};
let key = '';

function read(storage, name) {
  try {
    return storage().getItem(name) ?? '';
  } catch {
    return ''; // the browser lends no storage
  }
}

function write(storage, name, value) {
  try {
    if (value) storage().setItem(name, value);
    else storage().removeItem(name);
  } catch { /* not remembered */ }
}

const tab = () => sessionStorage; // a function each: to look at them can throw
const browser = () => localStorage;

function load() {
  try {
    settings = JSON.parse(read(browser, SETTINGS) || '{}') ?? {};
  } catch {
    settings = {};
  }
  if (settings.api_key) { // where the key was kept before anybody had been asked
    write(tab, KEY, settings.api_key);
    delete settings.api_key;
    write(browser, SETTINGS, JSON.stringify(settings));
  }
  key = read(tab, KEY) || read(browser, KEY);
  document.documentElement.dataset.theme = settings.theme || '';
}

export const apiKey = () => key;

// What the server is asked for besides the messages.
export function parameters() {
  const chosen = SAMPLING.filter((name) => (settings[name] ?? '') !== '');
  return Object.fromEntries(chosen.map((name) => [name, Number(settings[name])]));
}

// `defaults`: what the server takes where it is told nothing, as {temperature, top_p, ...}; absent ones are not known.
export function showDefaults(defaults) {
  for (const name of ['temperature', 'top_p']) {
    form.elements[name].placeholder = defaults[name] === undefined ? "the server's" : String(defaults[name]);
  }
  const words = Object.entries(defaults).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`);
  document.getElementById('defaults').textContent = words.length > 0 ? `The server's defaults: ${words.join(', ')}.` : '';
}

export function openSettings(field) {
  for (const element of form.elements) {
    if (element.name && element.type !== 'checkbox') element.value = settings[element.name] ?? '';
  }
  form.elements.api_key.value = key;
  form.elements.remember.checked = read(browser, KEY) !== '';
  if (!dialog.open) dialog.showModal();
  if (field) form.elements[field].focus();
}

// Calls saved() after each change, in this tab or another.
export function watchSettings(saved) {
  dialog.addEventListener('close', () => {
    if (dialog.returnValue !== 'save') return;
    const { api_key: newKey, remember, ...values } = Object.fromEntries(new FormData(form));
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
    write(browser, SETTINGS, JSON.stringify(given));
    write(tab, KEY, form.elements.remember.checked ? '' : newKey);
    write(browser, KEY, form.elements.remember.checked ? newKey : '');
    load();
    saved();
  });
  addEventListener('storage', (event) => {
    if (event.key !== SETTINGS) return;
    load();
    saved();
  });
}

load();
