#include "learn/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/digest.h"
#include "base/file.h"
#include "base/json_field.h"
#include "base/json_parse.h"
#include "base/utf8.h"
#include "learn/lines_of.h"

namespace tinyllm::learn {
namespace {

constexpr std::size_t kShownValues = 6;
constexpr std::size_t kShownBytes = 60;

std::vector<double> numbers(const JsonField& field) {
  std::vector<double> values;
  for (const JsonField& element : field.elements()) {
    // JSON has no infinities; the goldens write them as text.
    const auto& raw = element;
    values.push_back(raw.is_null() ? std::nan("") : raw.number());
  }
  return values;
}

// A scalar, a list, or the text "-inf 1 2" for lists that JSON cannot say.
std::vector<double> input_values(const nlohmann::json& value, const JsonField& field) {
  if (value.is_string()) return split_numbers(value.get<std::string>());
  if (value.is_number()) return {value.get<double>()};
  return numbers(field);
}

std::string show(const std::vector<double>& values, bool is_list) {
  if (!is_list) return fmt::format("{:g}", values[0]);
  std::string text = "[";
  for (std::size_t i = 0; i < std::min(values.size(), kShownValues); ++i) {
    text += fmt::format("{}{:.4g}", i == 0 ? "" : " ", values[i]);
  }
  if (values.size() > kShownValues) text += fmt::format(" ... {} values", values.size());
  return text + "]";
}

// {"text": "..."} or {"lines": [...]}; each line ends with a line break.
std::string read_text(const JsonField& field) {
  if (!field.member("text").is_null()) return field.member("text").string();
  std::string text;
  for (const JsonField& line : field.member("lines").elements()) text += line.string() + "\n";
  return text;
}

std::string show_text(const std::string& text) {
  const std::vector<std::string> lines = lines_of(text);
  if (lines.size() > 1) return fmt::format("{} lines", lines.size());
  const std::string line = lines.empty() ? "" : lines[0];
  return line.size() <= kShownBytes
             ? fmt::format("\"{}\"", line)
             : fmt::format("\"{}\" ... {} bytes",
                           line.substr(0, kShownBytes -
                                              incomplete_suffix_bytes(line.substr(0, kShownBytes))),
                           line.size());
}

Wanted read_wanted(const std::string& name, const nlohmann::json& value, const JsonField& field,
                   const Case::Texts& inputs) {
  Wanted wanted;
  wanted.name = name;
  if (!field.member("trace_of").is_null()) {
    wanted.kind = AnswerKind::trace;
    wanted.calls = lines_of(inputs.at(field.member("trace_of").string()));
    wanted.text = read_text(field);
    if (lines_of(wanted.text).size() != wanted.calls.size()) {
      field.member("lines").refuse(ErrorCode::invalid_input, "one line for each call");
    }
    return wanted;
  }
  if (value.contains("text") || value.contains("lines")) {
    wanted.kind = AnswerKind::text;
    wanted.text = read_text(field);
    return wanted;
  }
  for (const JsonField& n : field.member("shape").elements()) wanted.shape.push_back(n.count());
  for (const JsonField& axis : field.member("axes").elements())
    wanted.axes.push_back(axis.string());
  wanted.values = input_values(value.at("values"), field.member("values"));
  wanted.tolerance = numbers(field.member("tolerance"));
  if (wanted.tolerance.size() != wanted.values.size()) {
    field.member("tolerance").refuse(ErrorCode::invalid_input, "as long as values");
  }
  return wanted;
}

// In mutants.json: numbers as one string, a text as the list of its lines.
nlohmann::ordered_json as_record(const Answer& answer) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&answer)) {
    return join_numbers(*numbers, 9);
  }
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  std::istringstream text(std::get<std::string>(answer) + "\n");
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

Answer recorded_answer(const nlohmann::json& value) {
  if (!value.is_array()) return split_numbers(value.get<std::string>());
  std::string text;
  for (const auto& line : value)
    text += (&line == &value.front() ? "" : "\n") + line.get<std::string>();
  return text;
}

constexpr const char* kRecorded = "mutants.json";
constexpr const char* kPins = "pins.json";

// Of each file of the task that is there, by its name.
std::map<std::string, std::string> digests(const Task& task) {
  std::map<std::string, std::string> found;
  for (const std::filesystem::path& file : {task.golden(), task.folder / kRecorded}) {
    if (!std::filesystem::exists(file)) continue;
    found[file.filename()] = file_digest(file, DigestKind::sha256, [](std::uint64_t) {});
  }
  return found;
}

}  // namespace

void pin_golden(const Task& task) {
  write_file_atomic(task.folder / kPins, nlohmann::json(digests(task)).dump(1) + "\n");
}

std::string unpinned_golden(const Task& task) {
  const std::filesystem::path file = task.folder / kPins;
  const nlohmann::json pins = parse_json(read_text_file(file), file.filename());
  for (const auto& [name, digest] : digests(task)) {
    if (pins.value(name, "") != digest) return name;
  }
  return "";
}

std::string join_numbers(const std::vector<double>& values, int n_digits) {
  std::string text;
  for (const double value : values) {
    text += fmt::format("{}{:.{}g}", text.empty() ? "" : " ", value, n_digits);
  }
  return text;
}

std::vector<double> split_numbers(const std::string& text) {
  std::vector<double> values;
  const char* at = text.c_str();
  for (char* end = nullptr;; at = end) {
    const double value = std::strtod(at, &end);
    if (end == at) return values;
    values.push_back(value);
  }
}

std::string join_answer(const Answer& answer) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&answer))
    return join_numbers(*numbers);
  return "|" + std::get<std::string>(answer);
}

Answer split_answer(const std::string& text) {
  if (text.starts_with('|')) return text.substr(1);
  return split_numbers(text);
}

std::vector<GoldenCase> read_golden(const std::filesystem::path& path) {
  const nlohmann::ordered_json ordered = parse_ordered_json(read_text_file(path), path.filename());
  const nlohmann::json document = ordered;
  std::vector<GoldenCase> cases;
  std::size_t index = 0;
  for (const JsonField& row : JsonField(document, path.filename()).member("cases").elements()) {
    Case::Numbers inputs;
    Case::Texts texts;
    std::string text;
    // The order of the file, for people.
    for (const auto& [name, value] : ordered["cases"][index++]["inputs"].items()) {
      const JsonField field = row.member("inputs").member(name);
      if (value.is_object()) {
        texts[name] = read_text(field);
      } else {
        inputs[name] = input_values(value, field);
      }
      text += fmt::format(
          "{}{} = {}", text.empty() ? "" : ", ", name,
          value.is_object() ? show_text(texts[name]) : show(inputs[name], !value.is_number()));
    }
    GoldenCase golden{Case(row.member("name").string(), row.member("function").string(),
                           std::move(inputs), texts),
                      {},
                      text};
    for (const auto& [name, value] : row.member("want").object().items()) {
      golden.wanted.push_back(read_wanted(name, value, row.member("want").member(name), texts));
    }
    cases.push_back(std::move(golden));
  }
  return cases;
}

std::int64_t first_wrong(const Wanted& wanted, const Answer& answer) {
  if (wanted.kind != AnswerKind::numbers) {
    const auto* text = std::get_if<std::string>(&answer);
    if (text == nullptr) return 0;
    const auto differs = std::ranges::mismatch(*text, wanted.text);
    const bool equal = differs.in1 == text->end() && differs.in2 == wanted.text.end();
    return equal ? -1 : differs.in1 - text->begin();
  }
  if (!std::holds_alternative<std::vector<double>>(answer)) return 0;
  const auto& got = std::get<std::vector<double>>(answer);
  for (std::size_t i = 0; i < wanted.values.size(); ++i) {
    if (i >= got.size()) return static_cast<std::int64_t>(i);
    if (got[i] == wanted.values[i]) continue;  // infinities, too
    // Written so that NaN is wrong.
    if (!(std::abs(got[i] - wanted.values[i]) <= wanted.tolerance[i])) {
      return static_cast<std::int64_t>(i);
    }
  }
  return -1;
}

std::map<std::string, CaseAnswers> read_recorded_mutants(const Task& task) {
  std::map<std::string, CaseAnswers> recorded;
  const std::filesystem::path path = task.folder / kRecorded;
  if (!std::filesystem::exists(path)) return recorded;
  const nlohmann::json document = parse_json(read_text_file(path), path.filename());
  for (const auto& [mutant, cases] : document.items()) {
    for (const auto& [name, arrays] : cases.items()) {
      for (const auto& [array, value] : arrays.items()) {
        recorded[mutant][name][array] = recorded_answer(value);
      }
    }
  }
  return recorded;
}

void write_recorded_mutants(const Task& task, const std::map<std::string, CaseAnswers>& recorded) {
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  for (const auto& [mutant, cases] : recorded) {
    for (const auto& [name, arrays] : cases) {
      for (const auto& [array, answer] : arrays) {
        document[mutant][name][array] = as_record(answer);
      }
    }
  }
  write_file_atomic(task.folder / kRecorded, document.dump(1) + "\n");
}

}  // namespace tinyllm::learn
