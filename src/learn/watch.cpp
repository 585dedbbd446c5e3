#include "learn/watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "learn/file_watcher.h"
#include "learn/help_commands.h"
#include "learn/lesson_commands.h"
#include "learn/list.h"

namespace tinyllm::learn {
namespace {

// Keys one by one, not echoed, while one of these lives. Does nothing without a terminal.
class SingleKeys {
 public:
  SingleKeys() {
    active_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!active_) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  ~SingleKeys() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  // Ctrl-C as a signal again, for a body that minds it.
  template <typename Body>
  void with_interrupt(Body&& body) {
    set_signals(true);
    try {
      body();
    } catch (...) {
      set_signals(false);
      throw;
    }
    set_signals(false);
  }
  SingleKeys(const SingleKeys&) = delete;
  SingleKeys& operator=(const SingleKeys&) = delete;

 private:
  void set_signals(bool on) const {
    termios now{};
    if (!active_ || ::tcgetattr(STDIN_FILENO, &now) != 0) return;
    now.c_lflag = on ? now.c_lflag | ISIG : now.c_lflag & ~static_cast<tcflag_t>(ISIG);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
  }

  termios before_{};
  bool active_;
};

constexpr char kCtrlC = 3, kCtrlD = 4;

class Watch {
 public:
  Watch(Session& session, const std::string& day)
      : session_(session),
        of_day_(day),
        has_keys_(!session.options.plain && stdin_is_terminal() && stdout_is_terminal()) {
    for (const Task& task : session.course.tasks) {
      if (day.empty() || task.day == day) tasks_.push_back(&task);
    }
    if (tasks_.empty()) return;
    current_ = first_open();
  }

  void run() {
    if (tasks_.empty()) return;
    if (!of_day_.empty() && !stdin_is_terminal()) {  // its input is for the questions
      for (current_ = 0; current_ < tasks_.size(); ++current_) show_check();
      return;
    }
    if (has_keys_) keys_.emplace();
    show_check();
    while (wait_for_event()) {
    }
  }

 private:
  const Task& task() const { return *tasks_[current_]; }

  std::size_t first_open() const {
    const auto is_open = [&](const Task* task) { return !session_.is_green(*task); };
    const auto next = of_day_.empty() ? std::ranges::find(tasks_, session_.next_task())
                                      : std::ranges::find_if(tasks_, is_open);
    return next == tasks_.end() ? tasks_.size() - 1
                                : static_cast<std::size_t>(next - tasks_.begin());
  }

  // Clears the screen where it can, and draws the head.
  void show_head() {
    const Style& style = session_.style;
    if (has_keys_ && style.color) say("\x1b[H\x1b[2J\x1b[3J");
    constexpr int kBarWidth = 24;
    say(fmt::format("{}  {}\n", style.bold("tiny-llm course"),
                    progress_line(style, session_.n_green(),
                                  static_cast<int>(session_.course.tasks.size()), kBarWidth)));
    say(fmt::format("day {}, about {} minutes; edit {}\n\n", task().day, task().minutes,
                    shown(session_.paths, session_.paths.code() / task().learner_file)));
  }

  void show_keys() {
    session_.say_warning();
    if (!has_keys_) {
      if (stdin_is_terminal()) say("\n(every save is checked; Enter leaves)\n");
      return;
    }
    say(session_.style.dim(
        "\nn next  h hint  e explain  r read  s speak  d debug  l list  q quit\n"));
  }

  bool is_untouched() const {
    return session_.progress.is_untouched(
        task().id, read_text_file(session_.paths.code() / task().learner_file));
  }

  void show_check() {
    watcher_.emplace(session_.paths.code() / task().learner_file);
    bool became_green = false;
    if (has_keys_ && session_.style.color) {  // a screen that can be drawn again
      show_head();
      say(session_.style.dim("checking ..."));
    }
    const CheckResult result = session_.check(task(), &became_green);
    show_head();  // its bar counts what this check has found
    say(as_text(task(), result, session_.style, {.explained = false, .in_loop = true}));
    if (became_green) {
      say(session_.style.green(fmt::format("\n{} is yours now.", task().title)) +
          (has_keys_ ? " s: hear the model use it. n: the next task.\n" : "\n"));
    } else if (result.outcome == Outcome::expected_red && has_keys_) {
      say(
          fmt::format("\nOpen that file in your editor, write, save: this screen follows.\n"
                      "The lesson: r. The contract: src/{}\n",
                      task().engine_header));
      if (session_.n_green() == 0 && session_.progress.ear_scores().empty() && is_untouched()) {
        say("New here? Three things first, ten minutes each: q, then\n"
            "  ./tiny learn read 0.0    how one token travels through the model\n"
            "  ./tiny learn speak       the model talks\n"
            "  ./tiny learn ear         the model talks nonsense, and you say why\n");
      }
    }
    show_keys();
  }

  // False at the end.
  bool wait_for_event() {
    pollfd waits[2] = {{STDIN_FILENO, POLLIN, 0}, {watcher_->descriptor(), POLLIN, 0}};
    char key = 0;
    ::poll(waits, 2, watcher_->timeout_ms());
    if (waits[0].revents != 0) {
      if (::read(STDIN_FILENO, &key, 1) != 1) return false;
      return has_keys_ ? on_key(key) : !stdin_is_terminal();
    }
    if (watcher_->changed()) show_check();
    return true;
  }

  bool on_key(char key) {
    if (key == 'q' || key == kCtrlC || key == kCtrlD) {
      say("Your progress is kept. './tiny learn' goes on here.\n");
      return false;
    }
    try {
      act(key);
    } catch (const Error& error) {
      say(session_.style.red("note: ") + error.what() + "\n");
      show_keys();
    }
    return true;
  }

  void act(char key) {
    switch (key) {
      case 'n': go_on(); break;
      case 'h':
        show_hint(session_, task());
        show_keys();
        break;
      case 'e': explain(); break;
      case 'r':
        lend_terminal([&] { read_lesson(session_, *session_.course.find_day(task().day), false); });
        show_check();
        break;
      case 's':
        show_head();
        keys_->with_interrupt([&] { speak_mine(session_, task().prompt); });
        show_keys();
        break;
      case 'd':
        lend_terminal([&] { debug_task(session_, task()); });
        show_check();
        break;
      case 'l':
        session_.progress.reload();
        show_head();
        say(list_text(session_));
        show_keys();
        break;
      case '\n':
      case ' ': show_check(); break;
      default: break;
    }
  }

  void explain() {
    const CheckResult result = session_.check(task(), nullptr, true);
    show_head();
    say(as_text(task(), result, session_.style, {.explained = true, .in_loop = true}));
    show_keys();
  }

  // For a program that reads keys in its own way.
  template <typename Body>
  void lend_terminal(Body&& body) {
    keys_.reset();
    try {
      body();
    } catch (...) {
      keys_.emplace();
      throw;
    }
    keys_.emplace();
  }

  // To the next open task behind this one, else to the first open one.
  void go_on() {
    for (std::size_t step = 1; step <= tasks_.size(); ++step) {
      const std::size_t next = (current_ + step) % tasks_.size();
      if (session_.is_green(*tasks_[next])) continue;
      current_ = next;
      show_check();
      return;
    }
    show_head();
    say("Every task here is green. 'l' shows the way on, 's' lets the model speak with all of "
        "them.\n");
    show_keys();
  }

  Session& session_;
  std::string of_day_;
  bool has_keys_;
  std::optional<SingleKeys> keys_;
  std::vector<const Task*> tasks_;
  std::size_t current_ = 0;
  std::optional<FileWatcher> watcher_;
};

}  // namespace

void run_watch(Session& session, const std::string& day) { Watch(session, day).run(); }

}  // namespace tinyllm::learn
