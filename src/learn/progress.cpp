#include "learn/progress.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json_parse.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

std::int64_t now_s() { return std::time(nullptr); }

// A field of an object, or the fallback where it is missing or of another type.
template <typename T>
T read_field(const json& object, const char* field, T fallback) {
  const auto value = object.find(field);
  if (value == object.end()) return fallback;
  try {
    return value->template get<T>();
  } catch (const nlohmann::json::exception&) {
    return fallback;
  }
}

// The same of an entry of a list ("tasks", "days").
template <typename T>
T read_entry(const json& root, const char* list, const std::string& id, const char* field,
             T fallback) {
  const auto entries = root.find(list);
  if (entries == root.end() || !entries->is_object()) return fallback;
  const auto entry = entries->find(id);
  if (entry == entries->end() || !entry->is_object()) return fallback;
  return read_field(*entry, field, fallback);
}

template <typename T>
T read(const json& root, const std::string& task_id, const char* field, T fallback) {
  return read_entry(root, "tasks", task_id, field, fallback);
}

// FNV-1a, the same on every machine.
std::string fingerprint(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return fmt::format("{:016x}", hash);
}

fs::path free_name(const fs::path& path) {
  for (int i = 1;; ++i) {
    fs::path name = path.string() + ".broken-" + std::to_string(i);
    if (!fs::exists(name)) return name;
  }
}

}  // namespace

std::string today() { return fmt::format("{:%Y-%m-%d}", fmt::localtime(std::time(nullptr))); }

Progress::Progress(const CoursePaths& paths)
    : paths_(paths), path_(paths.state_file()), root_(std::make_unique<json>(json::object())) {
  reload();
}

void Progress::reload() {
  *root_ = json::object();
  if (!fs::exists(path_)) return;
  try {
    *root_ = parse_ordered_json(read_text_file(path_), path_.filename());
    if (!root_->is_object()) fail(ErrorCode::invalid_input, "state.json is not a JSON object");
  } catch (const Error& error) {
    const fs::path aside = free_name(path_);
    fs::rename(path_, aside);
    *root_ = json::object();
    warning_ = fmt::format(
        "{}; it was moved to {} and a new one begins. Your code is untouched; './tiny learn check "
        "--all' finds again what is green",
        error.what(), shown(paths_, aside));
  }
}

Progress::~Progress() = default;

std::string Progress::take_warning() { return std::exchange(warning_, {}); }

void Progress::save() const {
  std::error_code error;
  fs::create_directories(path_.parent_path(), error);
  const std::string text = root_->dump(2) + "\n";
  if (fs::exists(path_) && read_text_file(path_) == text) return;
  write_file_atomic(path_, text);
}

json& Progress::entry(const char* list, const std::string& id) {
  json& entries = (*root_)[list];
  if (!entries.is_object()) entries = json::object();
  json& one = entries[id];
  if (!one.is_object()) one = json::object();
  return one;
}

std::int64_t Progress::note_event(const char* list, const std::string& id) {
  constexpr std::int64_t kLongestPause = 20 * 60;
  json& last = (*root_)["last_event"];
  if (!last.is_object()) last = json::object();
  const std::int64_t before = read_field<std::int64_t>(last, "at", 0);
  std::int64_t spent = now_s() - before;
  if (before <= 0 || spent < 0 || spent > kLongestPause) spent = 0;
  // What lies before a check or a hint went into that task; what lies behind a page, into the page.
  const bool is_task = std::string_view(list) == "tasks";
  const std::string spent_list = is_task ? list : read_field<std::string>(last, "list", list);
  const std::string spent_id = is_task ? id : read_field(last, "id", id);
  last = {{"at", now_s()}, {"list", list}, {"id", id}};
  json& one = entry(spent_list.c_str(), spent_id);
  one["seconds"] =
      read_entry<std::int64_t>(*root_, spent_list.c_str(), spent_id, "seconds", 0) + spent;
  return is_task ? spent : 0;
}

bool Progress::is_green(const std::string& id) const { return read(*root_, id, "green", false); }

std::string Progress::solved_on(const std::string& id) const {
  return read<std::string>(*root_, id, "solved_on", "");
}

int Progress::hints_shown(const std::string& id) const { return read(*root_, id, "hints", 0); }

bool Progress::saw_solution(const std::string& id) const {
  return read(*root_, id, "saw_solution", false);
}

int Progress::n_checks(const std::string& id) const { return read(*root_, id, "checks", 0); }

std::string Progress::last_failure(const std::string& id) const {
  return read<std::string>(*root_, id, "last_failure", "");
}

std::int64_t Progress::seconds_on(const std::string& id) const {
  return read<std::int64_t>(*root_, id, "seconds", 0);
}

std::int64_t Progress::seconds_on_day(const std::string& id) const {
  return read_entry<std::int64_t>(*root_, "days", id, "seconds", 0);
}

bool Progress::was_read(const std::string& id) const {
  return !read_entry<std::string>(*root_, "days", id, "read_on", "").empty();
}

std::int64_t Progress::minutes_stuck(const std::string& id) const {
  return read<std::int64_t>(*root_, id, "red_seconds", 0) / 60;
}

bool Progress::was_checked_as(const std::string& id, const std::string& text) const {
  const std::string kept = read<std::string>(*root_, id, "checked", "");
  return kept.empty() || kept == fingerprint(text);
}

void Progress::note_check(const Task& of, const CheckResult& result, const std::string& text) {
  if (result.outcome == Outcome::missing) return;
  const std::int64_t spent = note_event("tasks", of.id);
  json& one = task(of.id);
  one["checked"] = fingerprint(text);
  if (result.outcome == Outcome::expected_red) {
    one["green"] = false;
    return;
  }
  one["checks"] = n_checks(of.id) + 1;
  one["green"] = result.outcome == Outcome::green;
  if (result.outcome == Outcome::green) {
    if (solved_on(of.id).empty()) one["solved_on"] = today();
    one["last_failure"] = "";
    one["red_seconds"] = 0;
    return;
  }
  const bool was_red = !last_failure(of.id).empty();
  std::string failure = fmt::format("{}: {}", kLevelNames[static_cast<int>(result.failure.level)],
                                    result.failure.kind);
  if (!result.failure.mutant.empty()) failure += ": " + result.failure.mutant;
  one["last_failure"] = failure;
  one["red_seconds"] = was_red ? read<std::int64_t>(*root_, of.id, "red_seconds", 0) + spent : 0;
}

void Progress::note_read(const std::string& day_id) {
  note_event("days", day_id);
  if (!was_read(day_id)) entry("days", day_id)["read_on"] = today();
}

void Progress::note_hint(const std::string& id) {
  const std::int64_t spent = note_event("tasks", id);
  json& one = task(id);
  one["hints"] = hints_shown(id) + 1;
  if (!last_failure(id).empty()) {
    one["red_seconds"] = read<std::int64_t>(*root_, id, "red_seconds", 0) + spent;
  }
}
void Progress::note_solution(const std::string& id) { task(id)["saw_solution"] = true; }

void Progress::note_ear(const EarScore& score, bool again) {
  json& list = (*root_)["ear"];
  if (!list.is_array()) list = json::array();
  if (again && !list.empty()) list.erase(list.size() - 1);
  list.push_back({{"date", score.date}, {"right", score.right}, {"rounds", score.rounds}});
}

std::vector<EarScore> Progress::ear_scores() const {
  std::vector<EarScore> scores;
  const auto list = root_->find("ear");
  if (list == root_->end() || !list->is_array()) return scores;
  for (const json& one : *list) {
    if (!one.is_object()) continue;
    scores.push_back({read_field<std::string>(one, "date", ""), read_field(one, "right", 0),
                      read_field(one, "rounds", 0)});
  }
  return scores;
}

std::int64_t Progress::file_contract(const std::string& id) const {
  return read<std::int64_t>(*root_, id, "contract", 0);
}
void Progress::note_file(const std::string& id, std::int64_t contract,
                         const std::string& skeleton) {
  task(id)["contract"] = contract;
  task(id)["skeleton"] = skeleton.empty() ? "" : fingerprint(skeleton);
}
bool Progress::is_untouched(const std::string& id, const std::string& text) const {
  return read<std::string>(*root_, id, "skeleton", "") == fingerprint(text);
}

std::int64_t Progress::course_version() const {
  return read_field<std::int64_t>(*root_, "course_version", 0);
}
void Progress::note_course_version(std::int64_t version) { (*root_)["course_version"] = version; }

std::string Progress::start_day() const { return read_field<std::string>(*root_, "start_day", ""); }
void Progress::note_start_day(const std::string& day_id) { (*root_)["start_day"] = day_id; }

}  // namespace tinyllm::learn
