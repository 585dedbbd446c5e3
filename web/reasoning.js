// What a model thought before it answered. Such models write it between <think> and </think>; where the chat template
// itself opens <think> at the end of the prompt, only </think> stands in the answer, on a line of its own.

import { turnsOf } from './calls.js';

const OPEN = '<think>';
const CLOSE = '</think>';

// {reasoning, answer, isOpen}; isOpen: the model still thinks.
export function splitReasoning(text) {
  const start = text.trimStart();
  if (start.startsWith(OPEN)) {
    const end = start.indexOf(CLOSE);
    if (end < 0) return { reasoning: start.slice(OPEN.length).trim(), answer: '', isOpen: true };
    return { reasoning: start.slice(OPEN.length, end).trim(), answer: start.slice(end + CLOSE.length).trimStart(), isOpen: false };
  }
  if (start && OPEN.startsWith(start)) return { reasoning: '', answer: '', isOpen: true }; // half of the tag has come
  const close = /^<\/think>[ \t]*$/m.exec(text);
  if (!close) return { reasoning: '', answer: text, isOpen: false };
  return {
    reasoning: text.slice(0, close.index).trim(),
    answer: text.slice(close.index + close[0].length).trimStart(),
    isOpen: false,
  };
}

// The same of a message, behind its calls of tools. Its server may have told the two apart already.
export function partsOf(message) {
  const { tail, turns } = turnsOf(message);
  if (!message.reasoning) return splitReasoning(tail);
  return { reasoning: message.reasoning, answer: tail, isOpen: !message.content && turns.length === 0 };
}
