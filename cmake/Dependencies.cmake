# The libraries of tools/packages.txt as CMake targets. Headers of the heavy ones stay in .cpp files.

find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost 1.81 REQUIRED)  # headers: Asio and Beast
find_library(PROMETHEUS_CPP_CORE prometheus-cpp-core REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)  # line editing of chat
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(ZIP REQUIRED IMPORTED_TARGET libzip)  # model_store: wheels are zip files
# retrieval: the index, Markdown and HTML
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(CMARK REQUIRED IMPORTED_TARGET libcmark-gfm)
find_library(CMARK_EXTENSIONS cmark-gfm-extensions REQUIRED)
pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET gumbo)
if(TINYLLM_TESTS)
  # Not needed to run a model: ./tiny installs it for `test` only.
  find_package(GTest 1.12)
  if(NOT GTest_FOUND)
    message(STATUS "GoogleTest is missing: the tests are left out")
    set(TINYLLM_TESTS OFF)
  endif()
endif()

add_library(tinyllm_libraries INTERFACE)
target_compile_definitions(tinyllm_libraries INTERFACE JSON_HAS_RANGES=0)  # json.hpp without <ranges>: a quarter less to parse
target_link_libraries(tinyllm_libraries INTERFACE
  fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::ZIP
  PkgConfig::SQLITE ${CMARK_EXTENSIONS} PkgConfig::CMARK PkgConfig::GUMBO CURL::libcurl OpenSSL::SSL OpenSSL::Crypto Boost::headers ${PROMETHEUS_CPP_CORE} Threads::Threads)
