#include "learn/report_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "learn/lines_of.h"

namespace tinyllm::learn {
namespace {

using nlohmann::ordered_json;

constexpr int kMistakeColumn = 17;  // where the words behind "known mistake: " begin
constexpr int kTitleColumn = 26;    // where the words behind "expected red: " begin

// Broken for eyes only: programs look for the whole line.
std::string title_text(const std::string& title, const Style& style) {
  return style.terminal ? wrap(title, style.width - kTitleColumn, "            ") : title;
}

// Long sentences broken between words, for eyes only; what a compiler underlines stays as it is.
std::string body_text(const std::string& text, const Style& style) {
  if (!style.terminal) return text;
  std::string out;
  for (const std::string& line : lines_of(text)) {
    const bool fits = static_cast<int>(line.size()) <= style.width;
    out += (fits || line.find(" | ") != line.npos ? line : wrap(line, style.width, "         ")) +
           "\n";
  }
  return out;
}

const char* outcome_word(Outcome outcome) {
  switch (outcome) {
    case Outcome::green: return "green";
    case Outcome::expected_red: return "expected red";
    case Outcome::red: return "red";
    case Outcome::missing: return "missing";
  }
  return "";
}

const Mutant* find_mutant(const std::vector<Mutant>& mutants, const std::string& id) {
  const auto found = std::ranges::find(mutants, id, &Mutant::id);
  return found == mutants.end() ? nullptr : &*found;
}

std::string explanation(const Task& task, const Failure& failure, const Style& style) {
  const std::vector<Mutant> mutants = read_mutants(task);
  const Mutant* mutant = find_mutant(mutants, failure.mutant);
  if (mutant == nullptr) {
    const bool has_cause = failure.text.find("Sanitizer") != std::string::npos;
    if (failure.kind != "wrong" || has_cause) return "";
    return fmt::format(
        "  These numbers are of no mistake that we know. Work out this case on paper\n"
        "  and compare step by step. Before you mend it you can keep it, to send it to\n"
        "  those who write the course: ./tiny learn explain {} --keep\n",
        task.id);
  }
  return fmt::format("  {} {}\n  {}\n", style.yellow("known mistake:"),
                     wrap(mutant->sentence, style.width - kMistakeColumn, "  "),
                     wrap("? " + mutant->question, style.width - 4, "  "));
}

// The first lines of what the code itself printed: people debug that way.
std::string printed(const std::string& output, const Style& style) {
  constexpr int kMaxLines = 12;
  std::istringstream lines(output);
  std::string text;
  int n = 0;
  for (std::string line; n < kMaxLines && std::getline(lines, line); ++n) {
    text += "    " + line.substr(0, 200) + "\n";
  }
  return n == 0 ? "" : style.dim("  your code printed:\n" + text);
}

std::string xml(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string as_text(const Task& task, const CheckResult& result, const Style& style,
                    const CheckText& options) {
  std::string text = fmt::format("{}  {}  {}\n", style.bold(task.id), task.title,
                                 style.dim("code/" + task.learner_file));
  if (result.outcome == Outcome::missing) {
    return text + "  the file is not there; './tiny learn list' writes the skeletons\n";
  }
  for (const LevelResult& level : result.passed) {
    text += fmt::format("  {:<10}{}  {}\n", kLevelNames[static_cast<int>(level.level)],
                        style.green("ok"), style.dim(level.words));
  }
  if (result.outcome == Outcome::green) {
    return text + fmt::format("  {} {}\n", style.green("green"),
                              style.dim(fmt::format("({:.1f} s)", result.seconds)));
  }
  const Failure& failure = result.failure;
  if (result.outcome == Outcome::expected_red) {
    return text + fmt::format("  {:<10}{}: {}\n", kLevelNames[static_cast<int>(failure.level)],
                              style.yellow("expected red"), title_text(failure.title, style));
  }
  text += fmt::format("  {:<10}{}  {}\n", kLevelNames[static_cast<int>(failure.level)],
                      style.red("FAILED"), title_text(failure.title, style));
  const bool has_numbers = failure.kind == "wrong";
  if (!has_numbers || options.explained) text += body_text(failure.text, style);
  if (has_numbers && !options.explained) {
    text += style.dim(
        options.in_loop ? "  e: the numbers, and which known mistake it is\n"
                        : "  './tiny learn explain' shows the numbers and names known mistakes\n");
  }
  if (options.explained) text += explanation(task, failure, style);
  text += printed(result.printed, style);
  return text + style.dim(fmt::format("  ({:.1f} s)\n", result.seconds));
}

std::string as_json(const std::vector<CheckResult>& results) {
  ordered_json list = ordered_json::array();
  for (const CheckResult& result : results) {
    ordered_json one = {{"task", result.task_id},
                        {"outcome", outcome_word(result.outcome)},
                        {"seconds", result.seconds}};
    for (const LevelResult& level : result.passed) {
      one["passed"].push_back(kLevelNames[static_cast<int>(level.level)]);
    }
    if (result.outcome == Outcome::red || result.outcome == Outcome::expected_red) {
      const Failure& failure = result.failure;
      one["failure"] = {{"level", kLevelNames[static_cast<int>(failure.level)]},
                        {"kind", failure.kind},
                        {"title", failure.title},
                        {"text", failure.text},
                        {"case", failure.case_name},
                        {"function", failure.function},
                        {"known_mistake", failure.mutant}};
    }
    list.push_back(std::move(one));
  }
  return list.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string as_junit(const std::vector<CheckResult>& results) {
  const auto failures = std::ranges::count_if(
      results, [](const CheckResult& result) { return result.outcome != Outcome::green; });
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"course\" tests=\"{}\" "
      "failures=\"{}\">\n",
      results.size(), failures);
  for (const CheckResult& result : results) {
    text += fmt::format("  <testcase classname=\"course\" name=\"{}\" time=\"{:.3f}\">",
                        xml(result.task_id), result.seconds);
    if (result.outcome != Outcome::green) {
      text += fmt::format("<failure message=\"{}: {}\">{}</failure>", outcome_word(result.outcome),
                          xml(result.failure.title), xml(result.failure.text));
    }
    text += "</testcase>\n";
  }
  return text + "</testsuite>\n";
}

}  // namespace tinyllm::learn
