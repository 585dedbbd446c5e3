// What a line that begins with a slash does in a talk.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/called_as.h"
#include "apps/chat_console.h"
#include "apps/chat_settings.h"
#include "apps/chat_why.h"
#include "apps/printable.h"
#include "apps/terminal.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_parse.h"
#include "base/json_values.h"
#include "client/open_model.h"
#include "engine/request_account.h"
#include "model_store/model_store.h"
#include "model_store/near_names.h"

namespace tinyllm {
namespace {

constexpr const char* kHelp =
    "  /help            this list\n"
    "  /reset           forget the talk so far\n"
    "  /system TEXT     a new talk under this system prompt; without TEXT the model's own\n"
    "  /regen           answer the last question once more\n"
    "  /set NAME VALUE  temperature, top_p and so on; without NAME what they are\n"
    "  /model NAME      go on with another model\n"
    "  /read FILE TEXT  send a file, and TEXT about it\n"
    "  /save FILE       write the talk into a file\n"
    "  /load FILE       go on with a talk that was saved\n"
    "  /copy            the last answer to the clipboard\n"
    "  /stats           speed, context, seed\n"
    "  /why             where the time of the last answer went, and what was not cached\n"
    "  /tools           what the model may call, and what of it asks first\n"
    "  /exit            leave (also Ctrl-D)\n"
    "  \\                at the end of a line: the message goes on in the next one\n"
    "  \"\"\"              before and after a message of several lines\n"
    "  Tab              completes commands; the arrow keys bring earlier lines back\n"
    "  Ctrl-C           stops the answer\n";

constexpr std::array<std::string_view, 14> kCommands = {
    "/copy",  "/exit", "/help", "/load",  "/model",  "/read",  "/regen",
    "/reset", "/save", "/set",  "/stats", "/system", "/tools", "/why"};

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

double per_second(std::int64_t n, double seconds) {
  return seconds > 0 ? static_cast<double>(n) / seconds : 0.0;
}

std::string setting_names() {
  std::string names;
  for (const ChatSetting& one : chat_settings())
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  return names;
}

// Its first word, and what comes after it.
std::pair<std::string, std::string> split_word(const std::string& text) {
  const std::size_t space = std::min(text.find_first_of(" \t"), text.size());
  return {text.substr(0, space), std::string(trim(std::string_view(text).substr(space)))};
}

// RFC 4648.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

// Files and folders whose path begins with `begin`.
std::vector<std::string> paths_from(const std::string& begin) {
  namespace fs = std::filesystem;
  const fs::path typed(begin);
  const fs::path folder = typed.has_parent_path() ? typed.parent_path() : fs::path(".");
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(typed.filename().string()) || name.starts_with('.')) continue;
    std::error_code unreadable;
    const std::string path =
        (typed.has_parent_path() ? typed.parent_path() / name : fs::path(name)).string();
    paths.push_back(it->is_directory(unreadable) ? path + "/" : path);
  }
  std::ranges::sort(paths);
  return paths;
}

std::vector<std::string> words_for(const std::string& command, const std::string& typed) {
  std::vector<std::string> words;
  if (command == "/set") {
    for (const ChatSetting& one : chat_settings()) words.emplace_back(one.name);
  } else if (command == "/model") {
    for (const LocalModel& model : ModelStore().list()) words.push_back(model.name());
  } else if (command == "/read" || command == "/load" || command == "/save") {
    return paths_from(typed);
  }
  std::erase_if(words, [&](const std::string& word) { return !word.starts_with(typed); });
  return words;
}

}  // namespace

std::vector<std::string> complete_chat_line(const std::string& line) {
  std::vector<std::string> lines;
  if (!line.starts_with('/')) return lines;
  const std::size_t space = line.find(' ');
  if (space == line.npos) {
    for (const std::string_view command : kCommands) {
      if (command.starts_with(line)) lines.emplace_back(command);
    }
    return lines;
  }
  const std::string command = line.substr(0, space), typed = line.substr(space + 1);
  for (const std::string& word : words_for(command, typed)) lines.push_back(command + " " + word);
  return lines;
}

ChatConsole::Next ChatConsole::run_command(const std::string& line) {
  const auto [command, argument] = split_word(line);
  try {
    if (command == "/exit" || command == "/quit" || command == "/bye") return Next::leave;
    if (command == "/help" || command == "/?") {
      std::fputs(kHelp, stderr);
    } else if (command == "/reset" || command == "/clear") {
      session().reset();
      say("(a new talk)");
    } else if (command == "/system") {
      session().set_system(argument);
      say(argument.empty() ? "(the model's own system prompt; a new talk)"
                           : "(system prompt set; a new talk)");
    } else if (command == "/stats") {
      show_stats();
    } else if (command == "/why") {
      explain_last();
    } else if (command == "/set") {
      set(argument);
    } else if (command == "/model") {
      change_model(argument);
    } else if (command == "/save") {
      save(argument);
    } else if (command == "/load") {
      load(argument);
    } else if (command == "/regen") {
      regenerate();
    } else if (command == "/read") {
      read_file(argument);
    } else if (command == "/tools") {
      std::fputs(options_.tools == nullptr ? "  none; chat --tools gives some\n"
                                           : options_.tools->list().c_str(),
                 stderr);
    } else if (command == "/copy") {
      copy();
    } else {
      const std::vector<std::string> known(kCommands.begin(), kCommands.end());
      const std::vector<std::string> near = near_names(command, known, 1);
      say(fmt::format(
          "({} is not a command here: /help lists them{}; a space before it sends it as text)",
          command, near.empty() ? "" : ", did you mean " + near.front() + "?"));
    }
  } catch (const Error& error) {
    if (model_ == nullptr) throw;  // neither the new model nor the old one could be loaded
    say(printable(fmt::format("({}: {})", command, as_called(error.what()))));
  }
  return Next::go_on;
}

void ChatConsole::show_stats() const {
  const SamplingParams& params = session().params();
  std::string text = fmt::format(
      "  model      {}: {}\n  engine     {}\n  sampling   {}\n  seed       {}\n", model_->title(),
      model_->size(), model_->about_engine(), describe(params), params.seed);
  text += fmt::format("  context    {} of {} tokens, {} turn{}\n", session().n_context_tokens(),
                      model_->context(), session().n_turns(), session().n_turns() == 1 ? "" : "s");
  if (last_.n_tokens > 0) {
    const std::int64_t n_computed = last_.n_prompt_tokens - last_.n_reused_tokens;
    text += fmt::format("  last       prompt {} tokens ({} kept from before), {:.1f} tok/s\n",
                        last_.n_prompt_tokens, last_.n_reused_tokens,
                        per_second(n_computed, last_.prefill_s));
    text += fmt::format("             answer {} tokens, {:.1f} tok/s, first after {:.2f} s\n",
                        last_.n_tokens, per_second(last_.n_tokens - 1, last_.decode_s),
                        last_.prefill_s);
    if (last_.drafts.n_steps > 0)
      text += fmt::format(
          "             drafts {}, accepted {}, {:.1f} at a time\n", last_.drafts.n_proposed,
          last_.drafts.n_accepted,
          static_cast<double>(last_.drafts.n_accepted) / static_cast<double>(last_.drafts.n_steps));
    text += fmt::format("  all        {} tokens, {:.1f} tok/s\n", total_tokens_,
                        per_second(total_tokens_, total_decode_s_));
  }
  std::fputs(text.c_str(), stderr);
}

void ChatConsole::explain_last() const {
  const Engine* engine = model_->engine();
  if (engine == nullptr) return say("(the reference path keeps no account)");
  if (last_.account == nullptr) return say("(there is no answer yet)");
  std::fputs(why_text(last_.account->text(0), *engine).c_str(), stderr);
}

void ChatConsole::show_settings() const {
  std::string text;
  for (const ChatSetting& one : chat_settings())
    text += fmt::format("  {:<20} {}\n", one.name, shown(one, session().params()));
  std::fputs(text.c_str(), stderr);
}

void ChatConsole::set(const std::string& argument) {
  if (argument.empty()) return show_settings();
  const auto [name, text] = split_word(argument);
  if (name == "system") {
    session().set_system(text);
    return say("(system prompt set; a new talk)");
  }
  const ChatSetting* found = find_chat_setting(name);
  if (found == nullptr)
    fail(ErrorCode::usage, "'{}' is not a setting; there are {}", name, setting_names());
  double value = 0;
  const auto [rest, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || rest != text.data() + text.size())
    fail(ErrorCode::usage, "{} takes a number, not '{}'", name, text);
  if (!(std::abs(value) <= std::numeric_limits<int>::max()))
    fail(ErrorCode::usage, "{} is too large a number for {}", text, name);
  if (value < 0 && found->name == "seed") fail(ErrorCode::usage, "seed must not be negative");
  SamplingParams params = session().params();
  found->write(params, value);
  validate(params, model_->vocab_size());
  session().set_params(params);
  say(fmt::format("({} is {})", found->name, shown(*found, params)));
}

// The old one goes before the new one comes: two may not fit into memory. It comes back when the new
// one cannot be loaded.
void ChatConsole::change_model(const std::string& name) {
  if (name.empty()) return say("(" + model_->name() + "; /model NAME goes on with another)");
  const std::string before = model_->name();
  open_checkpoint(name);  // a wrong name or file is known before anything is given up
  const nlohmann::ordered_json talk = session().to_json();
  const auto open = [&](const std::string& wanted) {
    model_ = options_.open_model(wanted);
    session().restore(talk);
  };
  model_.reset();
  try {
    open(name);
  } catch (const Error& error) {
    say(printable(fmt::format("({})", as_called(error.what()))));
    open(before);
  }
  last_ = {};
  say(fmt::format("({}: {}; the talk goes on)", model_->title(), model_->size()));
}

void ChatConsole::save(const std::string& file) const {
  if (file.empty()) fail(ErrorCode::usage, "give a file: /save talk.json");
  if (std::filesystem::exists(file))
    fail(ErrorCode::invalid_input, "{} exists; give another name", file);
  nlohmann::ordered_json talk = {{"model", model_->name()}};
  talk.update(session().to_json());
  write_file_atomic(file, text_with_big_integers(talk, /*indent=*/2) + "\n");
  say(fmt::format("({} turn{} in {})", session().n_turns(), session().n_turns() == 1 ? "" : "s",
                  file));
}

void ChatConsole::load(const std::string& file) {
  if (file.empty()) fail(ErrorCode::usage, "give a file: /load talk.json");
  session().restore(parse_ordered_json(read_text_file(file), file));
  say(fmt::format("({} turn{} of {})", session().n_turns(), session().n_turns() == 1 ? "" : "s",
                  file));
}

void ChatConsole::regenerate() {
  const std::optional<std::string> question = session().take_last_turn();
  if (!question) return say("(there is no answer yet)");
  if (session().params().temperature == 0)
    say("(greedy: the answer is the same; /set temperature 0.7 lets it vary)");
  failed_ = !answer(*question);
}

void ChatConsole::read_file(const std::string& argument) {
  constexpr std::uint64_t kMost = 4 << 20;
  const auto [file, question] = split_word(argument);
  if (file.empty()) fail(ErrorCode::usage, "give a file: /read notes.txt What is missing?");
  const std::string content = read_text_file(file, kMost);
  const std::string name = std::filesystem::path(file).filename().string();
  failed_ = !answer((question.empty() ? "" : question + "\n\n") + name + ":\n```\n" + content +
                    (content.ends_with('\n') ? "" : "\n") + "```");
}

// OSC 52, which terminals take over ssh as well.
void ChatConsole::copy() const {
  const std::string answer = session().last_answer();
  if (answer.empty()) return say("(there is no answer yet)");
  if (!is_terminal(STDERR_FILENO)) return say("(there is no terminal with a clipboard)");
  std::fprintf(stderr, "\x1b]52;c;%s\x07", base64(answer).c_str());
  say(fmt::format("({} characters, for terminals that allow it)", answer.size()));
}

}  // namespace tinyllm
