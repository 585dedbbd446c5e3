#pragma once
// TOML files of the course as JSON values, so that JsonField reads both. Any thread.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace tinyllm::learn {

// Throws Error{not_found | io | invalid_input}: "course.toml: not TOML at line 3: ...".
nlohmann::json read_toml_file(const std::filesystem::path& path);

}  // namespace tinyllm::learn
