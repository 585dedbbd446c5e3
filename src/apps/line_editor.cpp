#include "apps/line_editor.h"

#include <histedit.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

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

}  // namespace

struct LineEditor::State {
  bool on_terminal = is_terminal(STDIN_FILENO);
  EditLine* edit = nullptr;  // nullptr: plain reading
  History* history = nullptr;
  std::string prompt;  // of the line being read
  bool interrupted = false;

  void open();
  InputEvent read_edited(std::string& line);
  InputEvent read_plain(std::string& line);

  static State* of(EditLine* edit) {
    void* state = nullptr;
    el_get(edit, EL_CLIENTDATA, &state);
    return static_cast<State*>(state);
  }
  static char* show_prompt(EditLine* edit) { return of(edit)->prompt.data(); }
  static unsigned char on_ctrl_c(EditLine* edit, int) {
    of(edit)->interrupted = true;
    return CC_EOF;
  }
  static unsigned char on_ctrl_z(EditLine*, int) {
    std::raise(SIGTSTP);  // libedit's handler gives the terminal back first
    return CC_REDISPLAY;
  }
};

LineEditor::LineEditor() : state_(std::make_unique<State>()) {
  if (state_->on_terminal && terminal_can_edit()) state_->open();
}

LineEditor::~LineEditor() {
  if (state_->edit != nullptr) el_end(state_->edit);
  if (state_->history != nullptr) history_end(state_->history);
}

bool LineEditor::interactive() const { return state_->on_terminal; }

void LineEditor::State::open() {
  use_utf8();
  // The prompt must not land in a file that stdout was sent to.
  std::FILE* screen = is_terminal(STDOUT_FILENO) ? stdout : stderr;
  edit = el_init("tinyllm", stdin, screen, stderr);
  if (edit == nullptr) return;
  history = history_init();
  HistEvent event;
  ::history(history, &event, H_SETSIZE, 1000);
  ::history(history, &event, H_SETUNIQUE, 1);
  el_set(edit, EL_CLIENTDATA, this);
  el_set(edit, EL_PROMPT_ESC, show_prompt, kEscape);
  el_set(edit, EL_EDITOR, "emacs");
  el_set(edit, EL_HIST, ::history, history);
  el_set(edit, EL_SIGNAL, 1);
  // Ctrl-C is a key while a line is edited, not a signal: libedit would retry an interrupted read.
  el_set(edit, EL_SETTY, "-d", "-isig", nullptr);
  el_set(edit, EL_ADDFN, "interrupt", "Give this line up", on_ctrl_c);
  el_set(edit, EL_BIND, "^C", "interrupt", nullptr);
  el_set(edit, EL_ADDFN, "suspend", "Stop the program until 'fg'", on_ctrl_z);
  el_set(edit, EL_BIND, "^Z", "suspend", nullptr);
  el_set(edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

InputEvent LineEditor::State::read_edited(std::string& line) {
  interrupted = false;
  el_set(edit, EL_PREP_TERM, 1);  // before the prompt: a key typed right after it counts already
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

InputEvent LineEditor::State::read_plain(std::string& line) {
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

void LineEditor::remember(const std::string& line) {
  if (state_->history == nullptr || line.empty()) return;
  HistEvent event;
  ::history(state_->history, &event, H_ENTER, line.c_str());
}

}  // namespace tinyllm
