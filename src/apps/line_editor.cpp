#include "apps/line_editor.h"

#include <histedit.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <deque>
#include <optional>
#include <string_view>

#include "apps/conversation_mode.h"
#include "apps/input_history.h"
#include "apps/key_input.h"
#include "apps/terminal.h"
#include "base/error.h"

namespace tinyllm {
namespace {

// libedit counts columns by the locale; a bare container has none, so take UTF-8 there.
void use_utf8() {
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
}

bool terminal_can_edit() {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb";
}

// libedit takes text between two of these for escape sequences without width.
constexpr char kEscape = '\1';
constexpr std::string_view kPasteEnd = "\x1b[201~";

// The text before the end mark, without the line end that a paste often brings along.
std::string clean_paste(std::string text) {
  for (std::size_t at = 0; (at = text.find('\r', at)) != text.npos;) {
    text.replace(at, text.compare(at, 2, "\r\n") == 0 ? 2 : 1, "\n");
  }
  std::erase_if(text,
                [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F; });
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// What all of them begin with.
std::string common_begin(const std::vector<std::string>& lines) {
  std::string begin = lines.front();
  for (const std::string& line : lines) {
    const auto differ = std::ranges::mismatch(begin, line).in1;
    begin.erase(differ, begin.end());
  }
  return begin;
}

}  // namespace

struct LineEditor::State {
  explicit State(LineEditorOptions given) : options(std::move(given)), file(options.history_file) {}

  LineEditorOptions options;
  InputHistory file;
  bool on_terminal = is_terminal(STDIN_FILENO);
  std::optional<ConversationMode> mode;
  std::optional<KeyInput> keys;
  EditLine* edit = nullptr;  // nullptr: plain reading
  History* history = nullptr;
  std::string prompt;  // of the line being read
  bool interrupted = false;

  void open();
  void bind_keys() const;
  void add_history(const std::string& line) const;
  int next_key();
  std::string read_paste();
  void offer(const std::vector<std::string>& lines, const std::string& typed) const;
  InputEvent read_edited(std::string& line);
  InputEvent read_plain(std::string& line) const;

  static State* of(EditLine* edit) {
    void* state = nullptr;
    el_get(edit, EL_CLIENTDATA, &state);
    return static_cast<State*>(state);
  }
  static char* show_prompt(EditLine* edit) { return of(edit)->prompt.data(); }
  static int read_character(EditLine* edit, wchar_t* character);
  static unsigned char on_ctrl_c(EditLine* edit, int) {
    of(edit)->interrupted = true;
    return CC_EOF;
  }
  static unsigned char on_ctrl_z(EditLine* edit, int) {
    of(edit)->mode->suspend();
    return CC_REDISPLAY;
  }
  static unsigned char on_paste(EditLine* edit, int) {
    const std::string text = of(edit)->read_paste();
    if (!text.empty()) el_insertstr(edit, text.c_str());
    return CC_REFRESH;
  }
  static unsigned char on_tab(EditLine* edit, int);
};

LineEditor::LineEditor(LineEditorOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
  if (!state_->on_terminal) return;
  state_->mode.emplace(/*editing=*/terminal_can_edit());
  if (terminal_can_edit()) state_->open();
}

LineEditor::~LineEditor() {
  if (state_->edit != nullptr) el_end(state_->edit);
  if (state_->history != nullptr) history_end(state_->history);
}

bool LineEditor::interactive() const { return state_->on_terminal; }

void LineEditor::State::open() {
  use_utf8();
  keys.emplace(*mode);
  // The prompt must not land in a file that stdout was sent to.
  std::FILE* screen = is_terminal(STDOUT_FILENO) ? stdout : stderr;
  edit = el_init("tinyllm", stdin, screen, stderr);
  if (edit == nullptr) return;
  history = history_init();
  HistEvent event;
  ::history(history, &event, H_SETSIZE, static_cast<int>(InputHistory::kMost));
  ::history(history, &event, H_SETUNIQUE, 1);
  for (const std::string& line : file.load()) add_history(line);
  el_set(edit, EL_CLIENTDATA, this);
  el_set(edit, EL_PROMPT_ESC, show_prompt, kEscape);
  el_set(edit, EL_EDITOR, "emacs");
  el_set(edit, EL_HIST, ::history, history);
  el_set(edit, EL_GETCFN, &State::read_character);
  // libedit has a mode for editing and one for the time between: here both are ConversationMode's.
  el_set(edit, EL_SETTY, "-d", "-isig", "-icrnl", "-inlcr", "-echok", nullptr);
  el_set(edit, EL_SETTY, "-x", "-isig", "-icrnl", "-inlcr", "-echok", "-icanon", "-echo", "-iexten",
         nullptr);
  bind_keys();
}

void LineEditor::State::bind_keys() const {
  el_set(edit, EL_ADDFN, "interrupt", "Give this line up", on_ctrl_c);
  el_set(edit, EL_BIND, "^C", "interrupt", nullptr);
  el_set(edit, EL_ADDFN, "suspend", "Stop the program until 'fg'", on_ctrl_z);
  el_set(edit, EL_BIND, "^Z", "suspend", nullptr);
  el_set(edit, EL_ADDFN, "paste", "Take a pasted text as it is", on_paste);
  el_set(edit, EL_BIND, "\\e[200~", "paste", nullptr);
  el_set(edit, EL_ADDFN, "complete", "Complete what is typed", on_tab);
  el_set(edit, EL_BIND, "^I", "complete", nullptr);
  el_set(edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

void LineEditor::State::add_history(const std::string& line) const {
  HistEvent event;
  ::history(history, &event, H_ENTER, line.c_str());
}

int LineEditor::State::next_key() {
  return keys->next([&] {
    if (mode->take_resized()) el_resize(edit);
    if (mode->take_resumed()) el_set(edit, EL_REFRESH);
  });
}

// A character of UTF-8; what is none is left out.
int LineEditor::State::read_character(EditLine* edit, wchar_t* character) {
  State* state = of(edit);
  std::mbstate_t shift{};
  while (true) {
    const int key = state->next_key();
    if (key < 0) return 0;
    const char byte = static_cast<char>(key);
    const std::size_t n = std::mbrtowc(character, &byte, 1, &shift);
    if (n <= 1) return 1;
    if (n == static_cast<std::size_t>(-1)) shift = {};
  }
}

std::string LineEditor::State::read_paste() {
  std::string text;
  while (!text.ends_with(kPasteEnd)) {
    const int key = next_key();
    if (key < 0) return clean_paste(text);
    text += static_cast<char>(key);
  }
  text.resize(text.size() - kPasteEnd.size());
  return clean_paste(text);
}

// The choices beneath the line, which libedit then draws again.
void LineEditor::State::offer(const std::vector<std::string>& lines,
                              const std::string& typed) const {
  const std::size_t word = typed.find_last_of(' ') + 1;
  std::string text = "\n";
  for (const std::string& line : lines) text += "  " + line.substr(word);
  std::fprintf(stderr, "%s\n", text.c_str());
}

unsigned char LineEditor::State::on_tab(EditLine* edit, int) {
  const State* state = of(edit);
  const LineInfo* info = el_line(edit);
  if (info->cursor != info->lastchar || !state->options.complete) return CC_ERROR;
  const std::string typed(info->buffer, info->lastchar);
  const std::vector<std::string> lines = state->options.complete(typed);
  if (lines.empty()) return CC_ERROR;
  std::string begin = common_begin(lines);
  if (lines.size() == 1 && !begin.ends_with('/')) begin += ' ';
  if (begin.size() > typed.size()) {
    el_insertstr(edit, begin.c_str() + typed.size());
    return CC_REFRESH;
  }
  state->offer(lines, typed);
  return CC_REDISPLAY;
}

InputEvent LineEditor::State::read_edited(std::string& line) {
  interrupted = false;
  int n_read = 0;
  const char* text = el_gets(edit, &n_read);
  if (interrupted) {
    std::fputs("\n", stderr);
    return InputEvent::interrupted;
  }
  if (text == nullptr || n_read <= 0) return InputEvent::end;
  line.assign(text);
  if (line.ends_with('\n')) line.pop_back();
  return InputEvent::text;
}

InputEvent LineEditor::State::read_plain(std::string& line) const {
  if (on_terminal) std::fputs(prompt.c_str(), stderr);
  line.clear();
  for (int c = std::getc(stdin); c != '\n'; c = std::getc(stdin)) {
    if (c == EOF) {
      if (std::ferror(stdin) != 0) fail(ErrorCode::io, "standard input cannot be read");
      return line.empty() ? InputEvent::end : InputEvent::text;
    }
    line += static_cast<char>(c);
  }
  if (line.ends_with('\r')) line.pop_back();
  return InputEvent::text;
}

InputEvent LineEditor::read(const std::string& prompt, std::string& line) {
  if (state_->edit == nullptr) {
    state_->prompt = prompt;
    return state_->read_plain(line);
  }
  state_->prompt =
      use_color(STDERR_FILENO) ? std::string("\1\x1b[1;36m\1") + prompt + "\1\x1b[0m\1" : prompt;
  return state_->read_edited(line);
}

InputEvent LineEditor::read_reply(const std::string& prompt, std::string& line) {
  if (state_->edit == nullptr) {
    ::tcflush(STDIN_FILENO, TCIFLUSH);
    return read(prompt, line);
  }
  if (state_->keys->take_interrupt()) return InputEvent::interrupted;
  const std::deque<char> before = state_->keys->set_aside();
  const InputEvent event = read(prompt, line);
  state_->keys->give_back(before);
  return event;
}

bool LineEditor::take_interrupt() { return state_->keys && state_->keys->take_interrupt(); }

void LineEditor::remember(const std::string& line) {
  if (state_->history == nullptr || line.empty()) return;
  state_->add_history(line);
  state_->file.append(line);
}

}  // namespace tinyllm
