#include "learn/test_process.h"

#include <sys/resource.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "learn/golden.h"

namespace tinyllm::learn {
namespace {

using AnyJson = nlohmann::json;

constexpr rlim_t kMaxBytes = rlim_t{4} << 30;

class ReportFile {
 public:
  explicit ReportFile(const std::filesystem::path& path) : file_(std::fopen(path.c_str(), "we")) {
    if (file_ == nullptr) fail(ErrorCode::io, "cannot write {}", path.string());
  }
  ~ReportFile() { std::fclose(file_); }
  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;

  void write(const AnyJson& line) {
    const std::string text = line.dump(-1, ' ', true, AnyJson::error_handler_t::replace) + "\n";
    if (std::fputs(text.c_str(), file_) < 0 || std::fflush(file_) != 0) {
      fail(ErrorCode::io, "cannot write the report: is the disk full?");
    }
  }

 private:
  std::FILE* file_;
};

// Calls `body`, which may throw; fills status and message.
template <typename Body>
void guarded(AnyJson& line, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    line["status"] = error.code() == ErrorCode::not_yet ? "not_yet" : "threw";
    line["message"] = error.what();
  } catch (const std::exception& error) {
    line["status"] = "threw";
    line["message"] = error.what();
  } catch (...) {
    line["status"] = "threw";
    line["message"] = "something that is not a std::exception";
  }
}

}  // namespace

void limit_this_process(int cpu_seconds) {
  const rlimit cpu{static_cast<rlim_t>(cpu_seconds), static_cast<rlim_t>(cpu_seconds) + 1};
  ::setrlimit(RLIMIT_CPU, &cpu);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const bool maps_terabytes = std::getenv("TINYLLM_LESSON_EXACT") != nullptr ||
                              std::getenv("TINYLLM_LESSON_DEVICE") != nullptr;
  if (!maps_terabytes) {
    const rlimit memory{kMaxBytes, kMaxBytes};
    ::setrlimit(RLIMIT_AS, &memory);
  }
}

void run_lesson_test(const LessonTest& test, const std::filesystem::path& golden,
                     const std::filesystem::path& report_path, const std::string& only) {
  ReportFile report(report_path);
  const auto is_chosen = [&](std::string_view name) { return only.empty() || name == only; };
  const std::vector<GoldenCase> cases = read_golden(golden);
  AnyJson plan = AnyJson::array();
  for (const GoldenCase& recorded : cases) {
    if (is_chosen(recorded.given.name())) plan.push_back(recorded.given.name());
  }
  for (const Property& property : test.properties) {
    if (is_chosen(property.name)) plan.push_back(property.name);
  }
  report.write({{"plan", plan}});
  for (const GoldenCase& recorded : cases) {
    if (!is_chosen(recorded.given.name())) continue;
    report.write({{"begin", recorded.given.name()}});
    AnyJson line = {{"name", recorded.given.name()}, {"status", "ok"}};
    guarded(line, [&] {
      Answers answers;
      test.run(recorded.given, answers);
      if (!answers.fault().empty()) {
        line["status"] = "fault";
        line["message"] = answers.fault();
      }
      for (const auto& [name, values] : answers.values()) {
        line["answers"][name] = join_answer(values);
      }
    });
    report.write(line);
  }
  for (const Property& property : test.properties) {
    if (!is_chosen(property.name)) continue;
    report.write({{"begin", property.name}, {"of_property", true}});
    AnyJson line = {{"property", property.name}, {"status", "ok"}};
    guarded(line, [&] {
      const std::string broken = property.holds();
      if (broken.empty()) return;
      line["status"] = "wrong";
      line["message"] = broken;
    });
    report.write(line);
  }
}

}  // namespace tinyllm::learn
